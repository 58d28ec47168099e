const first = 3

/**
 * The file descriptor of a listening socket that the init system handed to this process (sd_listen_fds(3)), if it did.
 *
 * It is handed over once: the variables that name it are removed, so that no child takes it for its own.
 *
 * @category constructors
 * @since 1.1.0
 */
export const take = (
  env: Record<string, string | undefined> = process.env,
  pid: number = process.pid
): number | undefined => {
  if (env["LISTEN_PID"] !== String(pid) || !(Number(env["LISTEN_FDS"]) >= 1)) return undefined
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name]
  return first
}

import { type Entry, heading, title, type Unit } from "./Unit.ts"

/**
 * The unit for systemd: a service, its socket where it has one, and the links that start them with the machine.
 *
 * @category rendering
 * @since 1.1.0
 */
export const render = (unit: Unit): ReadonlyArray<Entry> => {
  const { name } = unit
  const service = `${directory}/${name}.service`
  const socket = `${directory}/${name}.socket`
  return [
    { kind: "file", path: service, mode: 0o644, text: serviceText(unit) },
    ...(unit.socket === undefined ? [] : [
      { kind: "file", path: socket, mode: 0o644, text: socketText(unit, unit.socket) } as const,
      { kind: "link", path: `${directory}/sockets.target.wants/${name}.socket`, to: socket } as const
    ]),
    { kind: "link", path: `${directory}/multi-user.target.wants/${name}.service`, to: service }
  ]
}

const directory = "/etc/systemd/system"

/**
 * Every path that a unit of this name may have.
 *
 * @category rendering
 * @since 1.1.0
 */
export const paths = (name: string): ReadonlyArray<string> => [
  `${directory}/multi-user.target.wants/${name}.service`,
  `${directory}/sockets.target.wants/${name}.socket`,
  `${directory}/${name}.service`,
  `${directory}/${name}.socket`
]

const plain = /^[\w/.:=,@+-]+$/

// systemd.syntax(7): C escapes within double quotes; systemd.unit(5): % begins a specifier.
const quote = (text: string): string => {
  const literal = text.replaceAll("%", "%%")
  return plain.test(literal) ? literal : `"${literal.replaceAll(/[\\"]/g, "\\$&")}"`
}

// systemd.service(5), COMMAND LINES: $ begins a variable, but not in the path of the program.
const commandLine = ([program = "", ...args]: ReadonlyArray<string>): string =>
  [quote(program), ...args.map((arg) => quote(arg.replaceAll("$", "$$$$")))].join(" ")

const serviceText = (unit: Unit): string => {
  const { environment, flags, name, program, readyFlags, socket, user } = unit
  const capability = unit.privileged ? "CAP_NET_BIND_SERVICE" : ""
  return [
    ...heading(unit, `To add to it: systemctl edit ${name}`),
    "",
    "[Unit]",
    `Description=${title(unit).replaceAll("%", "%%")}`,
    "Wants=network-online.target",
    "After=network-online.target",
    ...(socket === undefined ? [] : [`Requires=${name}.socket`, `After=${name}.socket`]),
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=exec",
    `ExecStart=${commandLine([...program, "serve", ...flags])}`,
    `ExecStartPost=${commandLine([...program, "wait-ready", ...readyFlags])}`,
    ...Object.entries(environment).map(([name, value]) => `Environment=${quote(`${name}=${value}`)}`),
    ...(user === undefined ? ["DynamicUser=yes"] : [`User=${user}`]),
    "Restart=on-failure",
    "RestartPreventExitStatus=2",
    ...(unit.restartSteps ? ["RestartSec=1s", "RestartSteps=6", "RestartMaxDelaySec=60s"] : ["RestartSec=5s"]),
    `TimeoutStartSec=${unit.startSeconds}s`,
    `TimeoutStopSec=${unit.stopSeconds}s`,
    "KillMode=mixed",
    `SyslogIdentifier=${name}`,
    "",
    "LimitCORE=0",
    "LimitNOFILE=65536",
    "UMask=0077",
    `CapabilityBoundingSet=${capability}`,
    `AmbientCapabilities=${capability}`,
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateIPC=yes",
    ...(unit.privileged ? [] : ["PrivateUsers=yes"]),
    "ProtectProc=invisible",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "LockPersonality=yes",
    "RemoveIPC=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    ""
  ].join("\n")
}

const socketText = (unit: Unit, { host, port }: NonNullable<Unit["socket"]>): string => {
  // A port alone is every address, also where there is no IPv6.
  const listening = host === "::"
    ? [`ListenStream=${port}`, "BindIPv6Only=both"]
    : [`ListenStream=${host === "localhost" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host}:${port}`]
  return [
    ...heading(unit, `To add to it: systemctl edit ${unit.name}.socket`),
    "",
    "[Unit]",
    `Description=socket of ${unit.name}`,
    "",
    "[Socket]",
    ...listening,
    "",
    "[Install]",
    "WantedBy=sockets.target",
    ""
  ].join("\n")
}

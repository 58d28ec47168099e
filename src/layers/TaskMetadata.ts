const timeout = 1_000

/**
 * What an ECS task says of itself.
 *
 * @category models
 * @since 1.1.0
 */
export interface TaskMetadata {
  readonly region: string
  readonly task: string
}

/**
 * Asks the task's metadata endpoint, version 4 (`ECS_CONTAINER_METADATA_URI_V4`), within a second.
 *
 * See https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-response.html.
 *
 * @category constructors
 * @since 1.1.0
 */
export const read = async (uri: string): Promise<TaskMetadata> => {
  const response = await fetch(`${uri}/task`, { signal: AbortSignal.timeout(timeout) })
  if (!response.ok) throw new Error(`the task's metadata endpoint answered ${response.status}`)
  const { TaskARN } = await response.json() as { readonly TaskARN?: unknown }
  const [, region, task] = /^arn:[^:]+:ecs:([^:]+):[^:]*:task\/(?:.+\/)?([^/]+)$/.exec(String(TaskARN)) ?? []
  if (region === undefined || task === undefined) {
    throw new Error(`the task's metadata has no usable TaskARN: ${TaskARN}`)
  }
  return { region, task }
}

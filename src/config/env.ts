/** The only reader of the environment in the program; everybody else gets this record by parameter. */
export function readEnvironment(): Readonly<Record<string, string | undefined>> {
  return { ...process.env }
}

/**
 * The YAML of statistics and lists: what clients parse, by a parser or by splitting lines. All of it is
 * ASCII, so that its length is that of its bytes. Pure.
 */

export type Field = readonly [name: string, value: number | string]

/** Texts stand in quotes where the caller says so: `quoted`. */
export function document(fields: readonly Field[]): string {
  let yaml = '---\n'
  for (const [name, value] of fields) yaml += `${name}: ${value}\n`
  return yaml
}

/** Names are not quoted here: clients split lines at `- `. */
export function listed(names: readonly string[]): string {
  let yaml = '---\n'
  for (const name of names) yaml += `- ${name}\n`
  return yaml
}

/** In quotes, as YAML reads them: without them `os: #1 SMP` is a comment. */
export function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll(/[^ -~]/g, '?')}"`
}

/** Command lines of benchmarks: options as node:util reads them, files, and words where they make no sense. */

import { type ParseArgsConfig, parseArgs } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>

type ValuesOf<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: true }>
>['values']

/**
 * What `read` makes of the options and of as many files as are asked for, which may be words of why they make no
 * sense; words too where `parseArgs` refuses them, or where there are more or fewer files.
 */
export function readOptions<O extends Options, T>(
  words: readonly string[],
  options: O,
  read: (values: ValuesOf<O>, files: readonly string[]) => T | string,
  files = 0,
): T | string {
  try {
    const asked = parseArgs({ args: [...words], options, allowPositionals: true as const })
    const { values, positionals } = asked
    if (positionals.length > files) return `what is ${positionals[files]}?`
    if (positionals.length < files) return files === 1 ? 'which file?' : `which ${files} files?`
    return read(values, positionals)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

export function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0
}

/** Says on stderr what is wrong and how it is meant; the exit code. */
export function refuse(problem: string, usage: string, ...more: readonly string[]): number {
  const lines = [`bench: ${problem}`, `usage: npm run bench -- ${usage}`, ...more]
  process.stderr.write(lines.map((line) => `${line}\n`).join(''))
  return 2
}

/**
 * Holds the directions between the folders of src/: each knows only those before it, the formats and
 * the codecs of native-free/ know nothing of Node, only src/system/ reaches outside, and the command
 * line uses public entries.
 * Reads sources, writes nothing. `npm run directions` prints every violation and fails on any.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'

export interface Violation {
  /** Path from the repository, with forward slashes. */
  readonly file: string
  /** Line, counted from 1. */
  readonly line: number
  readonly message: string
}

/** What the files of one area of src/ may use. */
interface Area {
  /** Areas of ours, besides itself. */
  readonly areas: readonly string[]
  /** Single files of areas that are closed otherwise. */
  readonly files?: readonly string[]
  /** Modules of Node, without `node:`. */
  readonly node: readonly string[]
  readonly packages?: readonly string[]
  /** Time and chance must come through `System`, or the simulator cannot repeat a run. */
  readonly deterministic?: true
}

const systemInterface = 'src/system/system.ts'
/** What qlog/native-free names. Its folder stands outside src/ and knows nothing of it. */
const nativeFreeEntry = 'native-free/index.ts'
const publicEntries = [
  'src/index.ts',
  'src/inspect/index.ts',
  'src/server/index.ts',
  'src/testing/index.ts',
] as const

/** Modules that compute and notify but reach nothing outside the process. */
const pureModules = ['assert', 'buffer', 'diagnostics_channel', 'events', 'path', 'util', 'zlib']

const commandModules = [
  ...pureModules,
  'child_process',
  'crypto',
  'fs',
  'fs/promises',
  'module',
  // An import is a client of the server that it empties.
  'net',
  'os',
  'perf_hooks',
  'process',
  'readline',
  'readline/promises',
  'stream',
  'stream/promises',
  'string_decoder',
  'timers/promises',
  'tty',
  'url',
]

/** The order of the layout: errors, channels, format, system, log, store, inspect, server, ... */
const areas: Readonly<Record<string, Area>> = {
  errors: { areas: [], node: [], deterministic: true },
  channels: { areas: ['errors'], node: ['diagnostics_channel'], deterministic: true },
  format: { areas: ['errors'], node: [], deterministic: true },
  system: {
    areas: ['errors', 'format'],
    files: [nativeFreeEntry],
    node: [...builtinModules],
    packages: ['crc-32'],
  },
  log: {
    areas: ['errors', 'channels', 'format'],
    files: [systemInterface],
    node: pureModules,
    deterministic: true,
  },
  store: {
    areas: ['errors', 'channels', 'format', 'log'],
    files: [systemInterface],
    node: pureModules,
    deterministic: true,
  },
  inspect: {
    areas: ['errors', 'format', 'log', 'store'],
    files: [systemInterface],
    node: pureModules,
  },
  server: {
    areas: ['errors', 'format', 'log', 'store', 'inspect'],
    files: [systemInterface],
    // Listeners: their sockets, and the files of these, are not those of the log, which the simulator
    // has to know.
    node: [...pureModules, 'crypto', 'fs', 'fs/promises', 'http', 'net', 'tls'],
  },
  // What a server says of its machine is what the system calls it.
  protocols: { areas: ['errors'], files: publicEntries, node: [...pureModules, 'os'] },
  testing: {
    areas: ['errors', 'format', 'system', 'log', 'store', 'inspect', 'server', 'protocols'],
    files: ['src/index.ts'],
    node: pureModules,
  },
  measure: {
    areas: ['errors', 'format', 'system', 'log', 'store', 'inspect'],
    files: ['src/index.ts'],
    node: [...pureModules, 'fs', 'os', 'perf_hooks', 'timers/promises'],
  },
  cli: {
    areas: ['errors', 'measure', 'protocols'],
    files: publicEntries,
    node: commandModules,
    packages: ['commander'],
  },
  'native-free': { areas: [], node: [], deterministic: true },
}

/** The entries put the real system beside the parts that know only its interface. */
const entries: Readonly<Record<string, Area>> = {
  'src/index.ts': {
    areas: ['errors', 'channels', 'format', 'system', 'log', 'store', 'server'],
    node: pureModules,
  },
  'src/inspect/index.ts': {
    areas: ['errors', 'format', 'system', 'log', 'store'],
    node: pureModules,
  },
  'src/server/index.ts': {
    areas: ['errors', 'format', 'system', 'log', 'store'],
    files: ['src/index.ts'],
    node: pureModules,
  },
}

/** Objects and functions whose answer differs from run to run, and what is asked of them. */
const unrepeatable: Readonly<Record<string, readonly string[]>> = {
  Date: ['now'],
  Math: ['random'],
  performance: ['now', 'timeOrigin'],
  crypto: ['getRandomValues', 'randomUUID'],
  process: ['hrtime', 'pid', 'uptime'],
}
const unrepeatableCalls = ['setTimeout', 'setInterval']

/** Checks every TypeScript file of `root`/src and `root`/native-free. */
export function checkDirections(root: string): Violation[] {
  const violations: Violation[] = []
  const paths = ['src', 'native-free'].flatMap((folder) => sourcesUnder(join(root, folder)))
  for (const path of paths) {
    const file = relative(root, path).split(sep).join('/')
    const source = ts.createSourceFile(
      file,
      readFileSync(path, 'utf8'),
      ts.ScriptTarget.Latest,
      true,
    )
    violations.push(...checkFile(file, source))
  }
  return violations
}

function checkFile(file: string, source: ts.SourceFile): Violation[] {
  const name = areaOf(file)
  const area = entries[file] ?? areas[name]
  if (area === undefined) {
    return [
      { file, line: 1, message: `${folderOf(name)} has no place in the order of the folders` },
    ]
  }
  const violations: Violation[] = []
  const report = (node: ts.Node, message: string): void => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
    violations.push({ file, line: line + 1, message })
  }
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node)
    if (specifier !== undefined) {
      const why = whyForbidden(file, name, area, specifier)
      if (why !== undefined) report(node, why)
    }
    const chance = area.deterministic === true ? unrepeatableUse(node) : undefined
    if (chance !== undefined) {
      report(node, `${chance} differs from run to run: ask the System that was handed in`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return violations
}

/** The module that a node imports or re-exports, also in a type or at run time. */
function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    return literalText(node.moduleSpecifier)
  }
  if (ts.isImportTypeNode(node)) {
    return ts.isLiteralTypeNode(node.argument) ? literalText(node.argument.literal) : undefined
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    // A computed import could reach anything, so it counts as forbidden by its own name.
    return literalText(node.arguments[0]) ?? '(computed)'
  }
  return undefined
}

function literalText(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined
}

function whyForbidden(
  file: string,
  name: string,
  area: Area,
  specifier: string,
): string | undefined {
  const here = entries[file] === undefined ? folderOf(name) : file
  const nodeModule = nodeModuleOf(specifier)
  if (nodeModule !== undefined) {
    return area.node.includes(nodeModule) ? undefined : `${here} may not import node:${nodeModule}`
  }
  const target = targetOf(file, specifier)
  if (target === undefined) {
    return area.packages?.includes(specifier) === true
      ? undefined
      : `${here} may not import the package ${specifier}`
  }
  if (target === 'src/index.ts' || areaOf(target) === '') {
    return area.files?.includes(target) === true ? undefined : `${here} may not import ${target}`
  }
  const other = areaOf(target)
  const allowed =
    other === name || area.areas.includes(other) || area.files?.includes(target) === true
  return allowed ? undefined : `${here} may not import ${target}`
}

function nodeModuleOf(specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return specifier.slice('node:'.length)
  return builtinModules.includes(specifier) ? specifier : undefined
}

/** The file of ours that a specifier names, undefined for a package. */
function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(file), specifier)
  if (specifier === 'qlog') return 'src/index.ts'
  if (specifier === 'qlog/native-free') return nativeFreeEntry
  if (specifier.startsWith('qlog/')) return `src/${specifier.slice('qlog/'.length)}/index.ts`
  return undefined
}

/** `src/log/open.ts` -> `log`, `src/errors.ts` -> `errors`; empty for what belongs to no area. */
function areaOf(file: string): string {
  const [folder, name] = file.split('/')
  if (folder === 'native-free') return folder
  return folder === 'src' ? (name ?? '').replace(/\.ts$/, '') : ''
}

function folderOf(area: string): string {
  return area === 'native-free' ? area : `src/${area}`
}

function unrepeatableUse(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const object = node.expression.text
    const isListed = Object.hasOwn(unrepeatable, object)
    if (isListed && unrepeatable[object]?.includes(node.name.text) === true) {
      return `${object}.${node.name.text}`
    }
  }
  if (ts.isNewExpression(node) && isNamed(node.expression, ['Date'])) {
    return (node.arguments?.length ?? 0) === 0 ? 'new Date()' : undefined
  }
  if (ts.isCallExpression(node) && isNamed(node.expression, unrepeatableCalls)) {
    return node.expression.getText()
  }
  return undefined
}

function isNamed(node: ts.Expression, names: readonly string[]): boolean {
  return ts.isIdentifier(node) && names.includes(node.text)
}

function sourcesUnder(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function main(): void {
  const violations = checkDirections(process.cwd())
  for (const { file, line, message } of violations) console.error(`${file}:${line}: ${message}`)
  console.log(
    violations.length === 0 ? 'directions: fine' : `directions: ${violations.length} wrong`,
  )
  process.exitCode = violations.length === 0 ? 0 : 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()

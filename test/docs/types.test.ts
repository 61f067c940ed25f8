/**
 * Every block of JavaScript and TypeScript in every document, and every example, against the types of the
 * built package: one program of the compiler for each language, over files that are on no disk. JavaScript
 * is checked for names and arguments; what it leaves open, as types of parameters, stays open. TypeScript is
 * checked as strictly as a new project would be.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { root } from '../real/children.ts'
import { allDocuments, blocksOf } from './documents.ts'

const COMMON: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  noEmit: true,
  skipLibCheck: true,
}

const JAVASCRIPT: ts.CompilerOptions = { ...COMMON, strict: false, allowJs: true, checkJs: true }
const TYPESCRIPT: ts.CompilerOptions = {
  ...COMMON,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
}

/** What JavaScript has no words for: the type of a codec, which of several types it is here. */
const OPEN =
  /on type 'unknown'|on type 'string \| AddressInfo'|provides too few|possibly 'undefined'/

/** Parsed once for both programs: most of the time goes into the libraries. */
const parsed = new Map<string, ts.SourceFile | undefined>()

/** What the compiler says of these files: text by name, relative to the root of the repository. */
function complaints(files: ReadonlyMap<string, string>, options: ts.CompilerOptions): string[] {
  const texts = new Map([...files].map(([name, text]) => [path.join(root, name), text]))
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.getCurrentDirectory = () => root
  host.fileExists = (name) => texts.has(name) || fileExists(name)
  host.readFile = (name) => texts.get(name) ?? readFile(name)
  host.getSourceFile = (name, languageOrOptions) => {
    const text = texts.get(name)
    if (text !== undefined) return ts.createSourceFile(name, text, languageOrOptions, true)
    if (!parsed.has(name)) parsed.set(name, getSourceFile(name, languageOrOptions))
    return parsed.get(name)
  }
  const program = ts.createProgram([...texts.keys()], options, host)
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const words = ts.flattenDiagnosticMessageText(messageText, '\n')
    if (file === undefined) return words
    const line = file.getLineAndCharacterOfPosition(start).line + 1
    return `${path.relative(root, file.fileName)}, line ${line}: ${words}`
  })
}

/** Each block as a module beside its document, so that `qlog` is this package. */
function modulesOf(languages: readonly string[], ending: string): Map<string, string> {
  const blocks = allDocuments().flatMap(blocksOf)
  return new Map(
    blocks
      .filter(({ language }) => languages.includes(language))
      // Without an import or export it would be a script, where `await` does not stand alone.
      .map(({ document, line, code }) => [`${document}.${line}.${ending}`, `${code}export {}\n`]),
  )
}

test('every block is of a language that is known here', () => {
  const known = ['js', 'ts', 'sh', 'text', 'json']
  for (const { document, line, language } of allDocuments().flatMap(blocksOf)) {
    expect(known, `${document}:${line}`).toContain(language)
  }
})

test('every block of JavaScript, and every example, fits the types', () => {
  const folder = 'docs/examples'
  const examples = fs.readdirSync(path.join(root, folder)).filter((name) => name.endsWith('.mjs'))
  const files = modulesOf(['js'], 'mjs')
  expect(files.size).toBeGreaterThan(20)
  for (const name of examples) {
    files.set(`${folder}/${name}`, fs.readFileSync(path.join(root, folder, name), 'utf8'))
  }
  expect(complaints(files, JAVASCRIPT).filter((words) => !OPEN.test(words))).toEqual([])
})

test('every block of TypeScript fits the types, strictly', () => {
  const files = modulesOf(['ts'], 'mts')
  expect(files.size).toBeGreaterThan(0)
  expect(complaints(files, TYPESCRIPT)).toEqual([])
})

test('a name or an option that does not exist is found', () => {
  const wrong = `import { openStore } from 'qlog'
    const store = await openStore(':memory:', { logs: {} })
    await store.queue('q').puts('a')
    await store.queue('q').put('a', { prio: 1 })`
  for (const [ending, options] of [
    ['mjs', JAVASCRIPT],
    ['mts', TYPESCRIPT],
  ] as const) {
    const found = complaints(new Map([[`docs/wrong.${ending}`, wrong]]), options)
    expect(found).toHaveLength(3)
    expect(found.join()).toMatch(/logs.*puts.*prio/s)
  }
})

test('the types of the package need no options and no other types in a strict project', () => {
  const entries = ['qlog', 'qlog/testing', 'qlog/inspect', 'qlog/native-free']
  const imports = entries.map((entry, i) => `import * as entry${i} from '${entry}'`)
  const files = new Map([['docs/project.mts', `${imports.join('\n')}\nexport { entry0, entry1 }`]])
  const project = { ...TYPESCRIPT, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'], types: [] }
  expect(complaints(files, { ...project, skipLibCheck: false })).toEqual([])
})

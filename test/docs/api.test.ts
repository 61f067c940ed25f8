/**
 * docs/api.md names everything that is public: each export of `qlog` and `qlog/testing`, and each member of
 * the interfaces that users touch, in the section that names the interface. And it names no error code that
 * there is not, and no section of its own that there is not.
 */
import { readdirSync } from 'node:fs'
import * as path from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/errors.ts'
import { root } from '../real/children.ts'
import { readDocument } from './documents.ts'

/** Interfaces whose members the page lists; those of the seam and figures of the log stand elsewhere. */
const LISTED = [
  ...readdirSync(path.join(root, 'src/store/types')).map((file) => `src/store/types/${file}`),
  'src/store/work/types.ts',
  'src/store/codec.ts',
  'src/log/types.ts',
  'src/errors.ts',
]
const UNLISTED = ['LogStats', 'SegmentStats', 'ReserveStats', 'MergingStats', 'ErrorCodeEntry']

const page = readDocument('docs/api.md')
const sections = page.split(/^## /m).slice(1)

function parse(file: string): ts.SourceFile {
  const text = ts.sys.readFile(path.join(root, file)) ?? ''
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
}

function isExported(node: ts.Node): boolean {
  return (
    ts.canHaveModifiers(node) && ts.getModifiers(node)?.[0]?.kind === ts.SyntaxKind.ExportKeyword
  )
}

/** What an entry of the package exports, by name. */
function exportsOf(file: string): string[] {
  return parse(file).statements.flatMap((statement) => {
    if (ts.isFunctionDeclaration(statement) && isExported(statement)) {
      return [statement.name?.text ?? '']
    }
    const clause = ts.isExportDeclaration(statement) ? statement.exportClause : undefined
    if (clause === undefined || !ts.isNamedExports(clause)) return []
    return clause.elements.map(({ name }) => name.text)
  })
}

/** Exported interfaces of a file with the names of their own members. */
function interfacesOf(file: string): { readonly name: string; readonly members: string[] }[] {
  return parse(file)
    .statements.filter(ts.isInterfaceDeclaration)
    .filter(isExported)
    .map(({ name, members }) => ({
      name: name.text,
      members: members.flatMap((member) =>
        member.name !== undefined && ts.isIdentifier(member.name) ? [member.name.text] : [],
      ),
    }))
}

/** Every word that stands in code of a text. */
function wordsOf(text: string): Set<string> {
  const spans = [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
  return new Set(spans.flatMap((span) => span.match(/\w+/g) ?? []))
}

test.each(['src/index.ts', 'src/testing/index.ts'])('every export of %s is named', (entry) => {
  const words = wordsOf(page)
  const names = exportsOf(entry)
  expect(names.length).toBeGreaterThan(30)
  expect(names.filter((name) => !words.has(name))).toEqual([])
})

test.each(LISTED.flatMap(interfacesOf).filter(({ name }) => !UNLISTED.includes(name)))(
  'every member of $name is named where that is',
  ({ name, members }) => {
    const words = sections.map(wordsOf).filter((found) => found.has(name))
    expect(words, `no section names ${name}`).not.toEqual([])
    expect(members.filter((member) => !words.some((found) => found.has(member)))).toEqual([])
  },
)

test('every error code of the page exists', () => {
  const codes = [...wordsOf(page)].filter((word) => word.startsWith('QLOG_'))
  expect(codes.filter((code) => !(code in ERROR_CODES))).toEqual([])
})

test('every link within the page leads to a section', () => {
  const anchors = sections.map((section) =>
    (section.split('\n')[0] ?? '').toLowerCase().replaceAll(' ', '-'),
  )
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1] ?? '')
  expect(links.length).toBeGreaterThan(5)
  expect(links.filter((link) => !anchors.includes(link))).toEqual([])
})

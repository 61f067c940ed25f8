/**
 * docs/concepts/door.md lists every verb of the door, with the arguments, items and answer that its types have.
 */
import * as path from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { VERBS } from '../../src/server/door/verbs/table.ts'
import { root } from '../real/children.ts'
import { readDocument } from './documents.ts'

interface Shape {
  readonly verb: string
  /** Names, those that may be left out with a `?`. */
  readonly args: readonly string[]
  /** A type; undefined where there is none. */
  readonly item: string | undefined
  /** Names, or a type. */
  readonly done: readonly string[]
}

/** Rows of the table behind the heading. */
function documented(): Shape[] {
  const [, section = ''] = readDocument('docs/concepts/door.md').split('## Verbs')
  const rows =
    section
      .split('\n## ')[0]
      ?.split('\n')
      .filter((line) => line.startsWith('| `')) ?? []
  return rows.map((row) => {
    const [, verb = '', args = '', item = '', done = ''] = row.split('|')
    return {
      verb: wordsOf(verb)[0] ?? '',
      args: wordsOf(args).sort(),
      item: wordsOf(item)[0],
      done: wordsOf(done).sort(),
    }
  })
}

function wordsOf(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
}

/** The same of `VerbTypes`. */
function typed(): Shape[] {
  const file = path.join(root, 'src/server/door/verbs/types.ts')
  const program = ts.createProgram([file], {
    allowImportingTsExtensions: true,
    noEmit: true,
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    types: [],
  })
  const checker = program.getTypeChecker()
  const found = program
    .getSourceFile(file)
    ?.statements.filter(ts.isInterfaceDeclaration)
    .find(({ name }) => name.text === 'VerbTypes')
  if (found === undefined) throw new Error('there is no interface VerbTypes')
  return checker
    .getTypeAtLocation(found)
    .getProperties()
    .map((verb) => {
      const shape = checker.getTypeOfSymbol(verb)
      const of = (name: string): ts.Type => {
        const property = shape.getProperty(name)
        if (property === undefined) throw new Error(`${verb.name} has no ${name}`)
        return checker.getTypeOfSymbol(property)
      }
      const done = of('done')
      return {
        verb: verb.name,
        args: namesOf(of('args')).sort(),
        item: nameOf(of('item')),
        done: nameOf(done) === undefined ? namesOf(done).sort() : [nameOf(done) ?? ''],
      }
    })
}

/** As it is called; undefined for `object` and what has no name. */
function nameOf(type: ts.Type): string | undefined {
  const name = type.aliasSymbol?.name ?? type.symbol?.name
  return name === undefined || name === '__type' ? undefined : name
}

/** What only some kinds of a value have may be left out of it. */
function namesOf(type: ts.Type): string[] {
  const kinds = type.isUnion() ? type.types : [type]
  const all = kinds.map((kind) => kind.getProperties())
  const names = new Set(all.flat().map(({ name }) => name))
  return [...names].map((name) => {
    const isSure = all.every((properties) =>
      properties.some((one) => one.name === name && !(one.flags & ts.SymbolFlags.Optional)),
    )
    return isSure ? name : `${name}?`
  })
}

test('every verb has a row, once', () => {
  expect(documented().map(({ verb }) => verb)).toEqual(expect.arrayContaining(Object.keys(VERBS)))
  expect(documented()).toHaveLength(Object.keys(VERBS).length)
})

test('each row has the arguments, items and answer of the types', () => {
  const byVerb = (one: Shape, other: Shape): number => (one.verb < other.verb ? -1 : 1)
  expect(documented().sort(byVerb)).toEqual(typed().sort(byVerb))
})

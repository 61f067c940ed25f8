/**
 * Titles of tests as the source says them: those of a file, and of the modules of the tests that it imports, which
 * hold the cases of a suite. What stands in a comment or in any other string is no title.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import ts from 'typescript'

/** Whose first argument is a title; also behind `.each(...)`, `.skipIf(...)` and the like. */
const RUNNERS = ['test', 'it', 'describe']
/** What a case of a suite does, beside its `name`. */
const BODIES = ['run', 'act']

interface Parsed {
  readonly titles: readonly string[]
  /** Modules of tests that it imports. */
  readonly imports: readonly string[]
}

const parsed = new Map<string, Parsed>()

/** Of the file and of what it imports below test/ and src/testing/. */
export function titlesOf(path: string): string[] {
  const seen = new Set<string>()
  const titles: string[] = []
  const visit = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    const one = parsedOf(file)
    titles.push(...one.titles)
    one.imports.forEach(visit)
  }
  visit(path)
  return titles
}

export function titlesInText(text: string): string[] {
  return titlesIn(parse('some.test.ts', text))
}

/**
 * What a runner makes of a title: anything may stand where the title has a placeholder, titles of what it stands in
 * come first, and a remark in brackets may have come or gone since. Undefined where the title is a placeholder alone.
 */
export function patternOf(title: string): RegExp | undefined {
  const parts = title.split(/\$\{[^}]*\}|\$[\w.]+|%[sdifjo]/)
  if (!parts.some((part) => /\w/.test(part))) return undefined
  const pattern = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')
  return new RegExp(`(^| )${pattern}( \\(.*\\))?$`)
}

function parsedOf(file: string): Parsed {
  const known = parsed.get(file)
  if (known) return known
  const source = parse(file, readFileSync(file, 'utf8'))
  const imports = importsOf(source)
    .map((one) => resolve(dirname(file), one))
    .filter((one) => /[\\/](test|src[\\/]testing)[\\/]/.test(one) && existsSync(one))
  const fresh = { titles: titlesIn(source), imports }
  parsed.set(file, fresh)
  return fresh
}

function parse(name: string, text: string): ts.SourceFile {
  return ts.createSourceFile(name, text, ts.ScriptTarget.Latest)
}

function titlesIn(source: ts.SourceFile): string[] {
  const titles: string[] = []
  const visit = (node: ts.Node): void => {
    const title = ts.isCallExpression(node)
      ? titleOfCall(node, source)
      : ts.isObjectLiteralExpression(node)
        ? titleOfCase(node, source)
        : undefined
    if (title !== undefined) titles.push(title)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return titles
}

function titleOfCall(
  { expression, arguments: given }: ts.CallExpression,
  source: ts.SourceFile,
): string | undefined {
  let callee: ts.Node = expression
  // `test.each(rows)` is a call whose result is called with the title.
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) {
    callee = callee.expression
  }
  // `test.each(rows)` itself has rows, or a condition, and no title.
  if (ts.isPropertyAccessExpression(expression) && given.length < 2) return undefined
  if (!ts.isIdentifier(callee) || !RUNNERS.includes(callee.text)) return undefined
  return textOf(given[0], source)
}

function titleOfCase(
  { properties }: ts.ObjectLiteralExpression,
  source: ts.SourceFile,
): string | undefined {
  const named = (name: string): ts.ObjectLiteralElementLike | undefined =>
    properties.find((one) => one.name !== undefined && one.name.getText(source) === name)
  const name = named('name')
  if (!name || !ts.isPropertyAssignment(name) || !BODIES.some(named)) return undefined
  return textOf(name.initializer, source)
}

function textOf(node: ts.Node | undefined, source: ts.SourceFile): string | undefined {
  if (node === undefined) return undefined
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
  return ts.isTemplateExpression(node) ? node.getText(source).slice(1, -1) : undefined
}

function importsOf(source: ts.SourceFile): string[] {
  return source.statements.flatMap((statement) =>
    ts.isImportDeclaration(statement) && ts.isStringLiteral(statement.moduleSpecifier)
      ? [statement.moduleSpecifier.text]
      : [],
  )
}

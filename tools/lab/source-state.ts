/**
 * A short name for what parts of src/, and what stands beside it, do: the same for two sources that differ in
 * comments, types and layout alone, so that words can be mended without losing what was counted. Reads sources.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const DIGITS = 12

/** `parts`: files and folders, as paths from src/. */
export function sourceState(root: string, parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of [...parts].sort()) {
    for (const file of filesOf(join(root, 'src', part))) {
      hash.update(`${file.slice(root.length).replaceAll('\\', '/')}\n${programOf(file)}\n`)
    }
  }
  return hash.digest('hex').slice(0, DIGITS)
}

/** By path: trials share most of what they cover. */
const programs = new Map<string, string>()

/** What runs of a file; of one in another language all of it. */
function programOf(file: string): string {
  const known = programs.get(file)
  if (known !== undefined) return known
  const text = readFileSync(file, 'utf8')
  if (!file.endsWith('.ts')) return text
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      removeComments: true,
    },
  })
  programs.set(file, outputText)
  return outputText
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|py)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** The documents of the repository and the blocks of code in them. Reads files, runs nothing. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { root } from '../real/children.ts'

export interface CodeBlock {
  /** The document, from the root of the repository, and the line, for whoever has to find it. */
  readonly document: string
  readonly line: number
  /** Behind the three backticks: `js`, `sh` ... */
  readonly language: string
  readonly code: string
  /** The block of text right behind it, with nothing but an empty line between. */
  readonly output: string | undefined
}

const BLOCK = /^```(\w+)\n(.*?)^```\n(?:\n?^```text\n(.*?)^```\n)?/gms

/** Every document that is ours, but the decisions of the past, which stay as they were. */
export function allDocuments(): string[] {
  const below = (folder: string) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !name.startsWith('decisions'))
      .map((name) => `${folder}/${name}`)
  return ['README.md', 'CONTRIBUTING.md', 'native-free/README.md', ...below('docs').sort()]
}

export function readDocument(document: string): string {
  return fs.readFileSync(path.join(root, document), 'utf8')
}

export function blocksOf(document: string): CodeBlock[] {
  const page = readDocument(document)
  return [...page.matchAll(BLOCK)].map((match) => {
    const [, language = '', code = '', output] = match
    const line = page.slice(0, match.index).split('\n').length
    return { document, line, language, code, output }
  })
}

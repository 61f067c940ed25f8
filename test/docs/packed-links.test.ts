/**
 * The documents that come with the package stand by themselves: each relative link of theirs leads to a
 * file that comes too.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../real/children.ts'
import { readDocument } from './documents.ts'

/** What npm packs whatever `files` says. */
const ALWAYS_PACKED = ['README.md', 'LICENSE', 'package.json']

const FENCED = /^```.*?^```/gms
const INLINE = /`[^`\n]*`/g
/** `](target)` of a link or an image, and `[name]: target`. */
const LINK = /\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]:\s+(\S+)/gm
/** With a scheme, or within the page. */
const IS_ELSEWHERE = /^(?:[a-z]+:|#)/

const { files } = JSON.parse(readDocument('package.json')) as { files: string[] }
const packed = [...ALWAYS_PACKED, ...files.filter((entry) => !entry.startsWith('!'))]

function isPacked(file: string): boolean {
  const isNamed = packed.some((entry) => file === entry || file.startsWith(`${entry}/`))
  return isNamed && fs.existsSync(path.join(root, file))
}

/** The documents among what is packed; what is built has none. */
function packedDocuments(): string[] {
  return packed
    .filter((entry) => entry !== 'dist')
    .flatMap((entry) => {
      if (!fs.statSync(path.join(root, entry)).isDirectory()) return [entry]
      const names = fs.readdirSync(path.join(root, entry), { recursive: true, encoding: 'utf8' })
      return names.map((name) => `${entry}/${name.replaceAll(path.sep, '/')}`)
    })
    .filter((file) => file.endsWith('.md'))
}

function linksOf(document: string): string[] {
  const text = readDocument(document).replace(FENCED, '').replace(INLINE, '')
  return [...text.matchAll(LINK)].map((match) => match[1] ?? match[2] ?? '')
}

/** From the root of the repository, without what stands behind `#`. */
function targetOf(document: string, link: string): string {
  const [file = ''] = link.split('#')
  return path.posix.join(path.posix.dirname(document), file).replace(/\/$/, '')
}

test('every entry of `files` is there, but for what is built', () => {
  const missing = packed.filter((entry) => entry !== 'dist' && !isPacked(entry))
  expect(missing).toEqual([])
})

test('every relative link of a packed document leads to what is packed', () => {
  const dangling: string[] = []
  let relative = 0
  for (const document of packedDocuments()) {
    for (const link of linksOf(document)) {
      if (IS_ELSEWHERE.test(link)) continue
      relative++
      if (!isPacked(targetOf(document, link))) dangling.push(`${document}: ${link}`)
    }
  }
  expect(relative).toBeGreaterThan(100)
  expect(dangling).toEqual([])
})

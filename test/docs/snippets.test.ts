/**
 * The programs in the documents, run as they stand, so that they cannot rot: every block of JavaScript of
 * the README, of docs/concepts/ and of docs/observability.md is a module of its own in a fresh directory,
 * where the built package is installed. A block of text right behind it is what it prints.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { root, run } from '../real/children.ts'
import { freshDirectory } from '../real/support.ts'
import { allDocuments, blocksOf, readDocument } from './documents.ts'

/** What programs print must not depend on the terminal of whoever runs the tests. */
const PLAIN = {
  FORCE_COLOR: undefined,
  NO_COLOR: undefined,
  // Nor on how busy its disk is.
  NODE_OPTIONS: '--disable-warning=QlogWarning',
}

const concepts = fs
  .readdirSync(path.join(root, 'docs/concepts'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/concepts/${name}`)

const documents = ['README.md', 'docs/observability.md', ...concepts]

/** Named by document and line, for whoever has to find it. */
function snippetsOf(document: string) {
  return blocksOf(document)
    .filter(({ language }) => language === 'js')
    .map((block) => ({ ...block, place: `${document}:${block.line}` }))
}

test('every block of JavaScript in the concepts is found', () => {
  const pages = concepts.filter((document) => readDocument(document).includes('```js'))
  expect(pages.length).toBeGreaterThan(10)
  for (const document of pages) {
    const page = readDocument(document)
    expect(snippetsOf(document)).toHaveLength(page.split('```js').length - 1)
  }
})

test('every link of a document leads to a file, and the index names every page', () => {
  const linksOf = (document: string) => {
    const page = readDocument(document)
    const links = [...page.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '')
    return links.map((link) => path.join(path.dirname(document), link))
  }
  for (const document of allDocuments()) {
    for (const link of linksOf(document)) {
      expect(fs.existsSync(path.join(root, link)), `${document} links to ${link}`).toBe(true)
    }
  }
  const pages = concepts.filter((document) => !document.endsWith('README.md'))
  expect(linksOf('docs/concepts/README.md')).toEqual(expect.arrayContaining(pages))
})

test.each(documents.flatMap(snippetsOf))('$place', async ({ code, output }) => {
  const project = fs.realpathSync(freshDirectory())
  fs.mkdirSync(path.join(project, 'node_modules'))
  fs.symlinkSync(root, path.join(project, 'node_modules/qlog'))
  const file = path.join(project, 'snippet.mjs')
  fs.writeFileSync(file, code)
  const finished = await run(process.execPath, [file], { cwd: project, env: PLAIN })
  expect(finished.stderr).toBe('')
  expect(finished.code).toBe(0)
  if (output !== undefined) expect(finished.stdout).toBe(output)
})

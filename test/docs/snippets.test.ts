/**
 * The programs in the documents, run as they stand, so that they cannot rot: every block of JavaScript of
 * the README, of docs/concepts/ and of docs/observability.md is a module of its own in a fresh directory, where the built package
 * is installed. A block of text right behind it is what it prints.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { freshDirectory, root, run } from '../real/support.ts'

interface Snippet {
  /** The document and the line, for whoever has to find it. */
  readonly place: string
  readonly code: string
  /** Undefined where the document does not tell. */
  readonly output: string | undefined
}

/** What programs print must not depend on the terminal of whoever runs the tests. */
const PLAIN = {
  FORCE_COLOR: undefined,
  NO_COLOR: undefined,
  // Nor on how busy its disk is.
  NODE_OPTIONS: '--disable-warning=QlogWarning',
}

/** JavaScript, and the text behind it with nothing but an empty line between. */
const SNIPPET = /^```js\n(.*?)^```\n(?:\n?^```text\n(.*?)^```\n)?/gms

const concepts = fs
  .readdirSync(path.join(root, 'docs/concepts'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/concepts/${name}`)

const documents = ['README.md', 'docs/observability.md', ...concepts]

function snippetsOf(document: string): Snippet[] {
  const page = fs.readFileSync(path.join(root, document), 'utf8')
  return [...page.matchAll(SNIPPET)].map((match) => {
    const line = page.slice(0, match.index).split('\n').length
    return { place: `${document}:${line}`, code: match[1] ?? '', output: match[2] }
  })
}

test('every block of JavaScript in the concepts is found', () => {
  const pages = concepts.filter((document) =>
    fs.readFileSync(path.join(root, document), 'utf8').includes('```js'),
  )
  expect(pages.length).toBeGreaterThan(10)
  for (const document of pages) {
    const page = fs.readFileSync(path.join(root, document), 'utf8')
    expect(snippetsOf(document)).toHaveLength(page.split('```js').length - 1)
  }
})

test('every link of these documents leads to a file, and the index names every page', () => {
  const linksOf = (document: string) => {
    const page = fs.readFileSync(path.join(root, document), 'utf8')
    const links = [...page.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '')
    return links.map((link) => path.join(path.dirname(document), link))
  }
  for (const document of documents) {
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

test('docs/examples/01-store.mjs runs, and leaves nothing', async () => {
  const parent = freshDirectory()
  const example = path.join(root, 'docs/examples/01-store.mjs')
  const { code, stdout, stderr } = await run(process.execPath, [example, parent], { env: PLAIN })
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(stdout).toContain('Closed and opened again')
  expect(stdout.split('\n').length).toBeLessThan(40)
  expect(fs.readdirSync(parent)).toEqual([])
})

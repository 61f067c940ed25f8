/**
 * Makes one file of `dist/cli/serve/begin.js` and all that it imports, in its place: the platform needs half
 * a millisecond and more for each file, and a server of three hundred would be ready after its first
 * clients gave up. Every module stays a function of its own, run when it is first asked for. Run by the build
 * with the folder that was written; plain JavaScript, as the build runs before any tool is compiled.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, posix, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'

const ENTRY = 'cli/serve/begin.js'
const NATIVE_FREE = 'native-free/index.js'

/**
 * @param {string} output the folder of the build
 * @returns {void}
 */
export function bundleServe(output) {
  /** @type {Map<string, string>} */
  const modules = new Map()
  addModule(output, ENTRY, modules)
  const exported = exportsOf(readFileSync(join(output, ENTRY), 'utf8'))
  writeFileSync(join(output, ENTRY), bundleText(modules, exported))
  // It would point into the file that stood here before.
  rmSync(join(output, `${ENTRY}.map`), { force: true })
}

/**
 * @param {string} output
 * @param {string} file
 * @param {Map<string, string>} modules
 */
function addModule(output, file, modules) {
  if (modules.has(file)) return
  modules.set(file, '')
  const { outputText } = ts.transpileModule(readFileSync(join(output, file), 'utf8'), {
    fileName: file,
    compilerOptions: {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2023,
      removeComments: true,
      allowJs: true,
    },
  })
  const own = posix.relative(posix.dirname(ENTRY), file)
  const text = outputText
    .replace(/^"use strict";\n/, '')
    .replace(/^\/\/# sourceMappingURL.*$/m, '')
    .replaceAll('import.meta.url', `new URL(${JSON.stringify(own)}, import.meta.url).href`)
    .replace(/\brequire\((["'])([^"']+)\1\)/g, (_words, _quote, /** @type {string} */ name) => {
      const target = targetOf(file, name)
      if (target === undefined) return `native(${JSON.stringify(name)})`
      addModule(output, target, modules)
      return `load(${JSON.stringify(target)})`
    })
  modules.set(file, text)
}

/**
 * The file of ours that a module names; undefined for a package or a part of the platform.
 * @param {string} file
 * @param {string} name
 * @returns {string | undefined}
 */
function targetOf(file, name) {
  if (name === 'qlog/native-free') return NATIVE_FREE
  return name.startsWith('.') ? posix.join(posix.dirname(file), name) : undefined
}

/**
 * @param {string} text
 * @returns {string[]}
 */
function exportsOf(text) {
  const names = [...text.matchAll(/^export (?:async )?(?:function|const|class) (\w+)/gm)]
  return names.map((match) => match[1] ?? '')
}

/**
 * @param {Map<string, string>} modules
 * @param {string[]} exported
 * @returns {string}
 */
function bundleText(modules, exported) {
  const functions = [...modules].map(
    ([file, text]) => `${JSON.stringify(file)}(exports) {\n${text}},\n`,
  )
  return `// Made by the build of the files beside this one.
import { createRequire } from 'node:module'
const native = createRequire(import.meta.url)
const loaded = new Map()
const modules = {
${functions.join('')}}
function load(file) {
  let exports = loaded.get(file)
  if (exports === undefined) {
    exports = {}
    loaded.set(file, exports)
    modules[file](exports)
  }
  return exports
}
export const { ${exported.join(', ')} } = load(${JSON.stringify(ENTRY)})
`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = resolve(fileURLToPath(new URL('..', import.meta.url)))
  bundleServe(join(root, process.argv[2] ?? 'dist'))
}

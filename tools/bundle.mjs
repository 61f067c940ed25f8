/**
 * One file of a module and all of ours that it imports: the platform needs half a millisecond and more for
 * each file. Every module stays a function of its own, run when it is first asked for. Plain JavaScript, as
 * the build runs before any tool is compiled; reads the files, and writes none.
 */
import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'

/**
 * The text of the bundle, which exports what `entry` itself declares.
 * @param {string} folder
 * @param {string} entry from there, as everything below
 * @param {string} nativeFree what `qlog/native-free` means
 * @returns {string}
 */
export function bundleOf(folder, entry, nativeFree) {
  /** @type {Map<string, string>} */
  const modules = new Map()
  const bundle = { folder, entry, nativeFree, modules }
  addModule(bundle, entry)
  return bundleText(bundle, exportsOf(readFileSync(join(folder, entry), 'utf8')))
}

/**
 * @typedef {{
 *   readonly folder: string,
 *   readonly entry: string,
 *   readonly nativeFree: string,
 *   readonly modules: Map<string, string>,
 * }} Bundle
 */

/**
 * @param {Bundle} bundle
 * @param {string} file
 */
function addModule(bundle, file) {
  const { folder, entry, modules } = bundle
  if (modules.has(file)) return
  modules.set(file, '')
  const { outputText } = ts.transpileModule(readFileSync(join(folder, file), 'utf8'), {
    fileName: file,
    compilerOptions: {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2023,
      removeComments: true,
      allowJs: true,
    },
  })
  const own = posix.relative(posix.dirname(entry), file)
  const text = outputText
    .replace(/^"use strict";\n/, '')
    .replace(/^\/\/# sourceMappingURL.*$/m, '')
    .replaceAll('import.meta.url', `new URL(${JSON.stringify(own)}, import.meta.url).href`)
    .replace(/\brequire\((["'])([^"']+)\1\)/g, (_words, _quote, /** @type {string} */ name) => {
      const target = targetOf(bundle, file, name)
      if (target === undefined) return `native(${JSON.stringify(name)})`
      addModule(bundle, target)
      return `load(${JSON.stringify(target)})`
    })
  modules.set(file, text)
}

/**
 * The file of ours that a module names; undefined for a package or a part of the platform.
 * @param {Bundle} bundle
 * @param {string} file
 * @param {string} name
 * @returns {string | undefined}
 */
function targetOf({ nativeFree }, file, name) {
  if (name === 'qlog/native-free') return nativeFree
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
 * @param {Bundle} bundle
 * @param {string[]} exported
 * @returns {string}
 */
function bundleText({ modules, entry }, exported) {
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
export const { ${exported.join(', ')} } = load(${JSON.stringify(entry)})
`
}

/** Loaded before a server: its disk takes nothing from the moment on at which the file FAIL_WHERE exists. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const mark = process.env['FAIL_WHERE'] ?? ''
const STDERR = 2

for (const name of /** @type {const} */ (['fsync', 'fdatasync', 'write', 'writev'])) {
  const original = fs[name]
  /** @type {(descriptor: number, ...words: unknown[]) => void} */
  const failing = (descriptor, ...words) => {
    const call = words.at(-1)
    if (descriptor <= STDERR || typeof call !== 'function' || !fs.existsSync(mark)) {
      Reflect.apply(original, fs, [descriptor, ...words])
      return
    }
    const error = Object.assign(new Error(`EIO: i/o error, ${name}`), { code: 'EIO' })
    process.nextTick(() => call(error))
  }
  Object.assign(fs, { [name]: failing })
}
syncBuiltinESMExports()

/**
 * What the medium did not give while a tool looked. `verify`, `recover` and their like read around it, so that
 * it keeps nobody from the rest, and ask here what it was: they tell of it, and never let a log end in front
 * of it without a word. Reads only.
 */
import { ReadAround, UnreadPages } from '../log/read-around.ts'
import type { FileHandle, FileSystem, System } from '../system/system.ts'

export class UnreadFiles {
  /** The system, where what is opened for reading is read around what the medium does not give. */
  readonly system: System
  /** By path. */
  readonly #files = new Map<string, UnreadPages>()

  constructor(system: System) {
    const open: FileSystem['open'] = async (path, options) => {
      const handle = await system.files.open(path, options)
      if (options.mode !== 'read') return handle
      return overlay<FileHandle>(handle, new ReadAround(handle, this.pages(path)))
    }
    this.system = overlay(system, { files: overlay(system.files, { open }) })
  }

  /** Those of one file. */
  pages(path: string): UnreadPages {
    const pages = this.#files.get(path) ?? new UnreadPages()
    this.#files.set(path, pages)
    return pages
  }
}

/** `target` with some of its members replaced; all others are asked of it as before. */
function overlay<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get(_target, name) {
      const source = name in own ? own : target
      const value: unknown = Reflect.get(source, name)
      return typeof value === 'function' ? value.bind(source) : value
    },
  })
}

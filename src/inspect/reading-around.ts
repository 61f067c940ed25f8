/** The system as the tools see it: what the medium does not give is damage, and keeps nobody from the rest. */
import { ReadAround } from '../log/read-around.ts'
import type { FileHandle, FileSystem, System } from '../system/system.ts'

/** The same system, where what is opened for reading is read around what the medium does not give. */
export function readingAround(system: System): System {
  const open: FileSystem['open'] = async (path, options) => {
    const handle = await system.files.open(path, options)
    return options.mode === 'read' ? overlay<FileHandle>(handle, new ReadAround(handle)) : handle
  }
  return overlay(system, { files: overlay(system.files, { open }) })
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

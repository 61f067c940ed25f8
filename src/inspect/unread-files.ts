/**
 * What the medium did not give while a tool looked. `verify`, `recover` and their like read around it, so that
 * it keeps nobody from the rest, and ask here what it was: they tell of it, and never let a log end in front
 * of it without a word. Reads only.
 */
import { type Assessment, mayBeNewest } from '../log/assess.ts'
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

/** Bytes that were not given and may have told of more messages: nobody knows where the log ends. */
export interface UnreadEnd {
  readonly file: string
  readonly offset: number
  readonly bytes: number
  readonly words: string
}

/** Behind what looks like the end, and in segments of which one may be the newest. */
export function unreadEnds(
  { survey, newest, map }: Assessment,
  unread: UnreadFiles,
): readonly UnreadEnd[] {
  const ends: UnreadEnd[] = []
  for (const head of survey.heads) {
    const isNewest = head === newest?.head
    if (!isNewest && !mayBeNewest(head, newest?.head, map)) continue
    const { file } = head
    const pages = unread.pages(`${survey.directory}/${file}`)
    const from = isNewest ? (newest?.tail.end ?? 0) : 0
    const offset = pages.firstBehind(from)
    const words = pages.words(from, pages.end)
    if (words !== undefined && offset !== undefined) {
      ends.push({ file, offset, bytes: pages.end - offset, words })
    } else if (!isNewest && head.unread !== undefined) {
      ends.push({ file, offset: 0, bytes: 0, words: head.unread })
    }
  }
  return ends
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

/** One file, directory or socket of the simulated disk, and changes of names on their way. Pure. */
import { FileContent } from './file-content.ts'

export type InodeKind = 'file' | 'directory' | 'socket'

export class Inode {
  readonly kind: InodeKind
  number: number
  /** Names that readers see. */
  linkCount = 0
  /** Open handles of living processes. */
  openCount = 0
  content = new FileContent()
  /** How often writing it back has failed. */
  flushErrors = 0
  /** Names of a directory: as seen, and as they would stand after a power cut. */
  entries = new Map<string, Inode>()
  durableEntries = new Map<string, Inode>()
  /** Whoever listens at this socket; it lives as long as its process. */
  listener: { readonly alive: boolean } | undefined

  constructor(kind: InodeKind, number: number) {
    this.kind = kind
    this.number = number
  }
}

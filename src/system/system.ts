/**
 * The outside world as interfaces: file system, clock, sockets, randomness, identity. Nothing in
 * `format/`, `log/` or `store/` reaches outside except through a {@link System}, so that the
 * simulated one can stop, tear, reorder and fail every call.
 *
 * Every failing call rejects (or throws) a Node-shaped error: an `Error` with `code` ('ENOENT',
 * 'EIO', 'ENOSPC' ...) and `syscall`. Turning those into typed errors is the caller's work.
 */

export interface FileStat {
  readonly size: number
  /** Bytes that the file system has allocated (512 x st_blocks). */
  readonly allocatedBytes: number
  readonly device: number
  readonly inode: number
  readonly linkCount: number
  readonly kind: 'file' | 'directory' | 'socket' | 'other'
}

export interface FileHandle {
  /** What `read` gives comes from the disk itself; else perhaps from the page cache. */
  readonly isDirect: boolean
  /** Reads up to `target.byteLength` bytes at `position`; fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>
  readSync(target: Uint8Array, position: number): number
  /**
   * Writes at `position` and tells how many bytes were taken, which may be fewer than offered.
   * On a handle opened with `durable: true` the bytes taken are on stable storage when it returns.
   */
  write(source: Uint8Array, position: number): Promise<number>
  writeSync(source: Uint8Array, position: number): number
  /** Like `write`, for several buffers as one positional write (one system call). */
  writeMany(sources: readonly Uint8Array[], position: number): Promise<number>
  /** Makes every earlier write of this file durable: fdatasync, or the platform's true flush. */
  flush(): Promise<void>
  flushSync(): void
  stat(): Promise<FileStat>
  statSync(): FileStat
  close(): Promise<void>
  closeSync(): void
}

/** What somebody needs who only reads. */
export type ReadHandle = Pick<FileHandle, 'read'>

export interface OpenOptions {
  /** read: must exist; write: must exist, read and write; create: must not exist, read and write. */
  readonly mode: 'read' | 'write' | 'create'
  /** Every write returns only once its bytes are on stable storage (O_DSYNC on Linux). */
  readonly durable?: boolean
  /**
   * In the mode read: reads pass the page cache by where that can be had (O_DIRECT on Linux), which
   * `isDirect` of the handle tells. They may be of any length and place, one at a time, and asynchronous.
   */
  readonly direct?: boolean
}

export interface SpaceInfo {
  /** Bytes free to this user. */
  readonly freeBytes: number
  readonly totalBytes: number
  /** The magic number of statfs(2), 0 where unknown. */
  readonly type: number
  /** Overwriting takes new space: blocks that exist are no promise that they can be written. */
  readonly copiesOnWrite: boolean
}

export interface FileSystem {
  open(path: string, options: OpenOptions): Promise<FileHandle>
  stat(path: string): Promise<FileStat>
  list(directory: string): Promise<string[]>
  makeDirectory(path: string): Promise<void>
  /** Fails with EEXIST where `to` exists: unlike rename it never replaces. */
  link(from: string, to: string): Promise<void>
  /** Replaces `to` atomically. */
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  removeDirectory(path: string): Promise<void>
  /** Makes the entries of the directory durable. */
  flushDirectory(path: string): Promise<void>
  space(path: string): Promise<SpaceInfo>
  /** The same calls for the synchronous append, which may have to make a segment. */
  openSync(path: string, options: OpenOptions): FileHandle
  statSync(path: string): FileStat
  linkSync(from: string, to: string): void
  unlinkSync(path: string): void
  flushDirectorySync(path: string): void
  /**
   * Which way of making a group durable is documented to reach stable storage here:
   * 'dsync' (durable handles), 'flush' (write, then flush()).
   */
  readonly durableWrites: 'dsync' | 'flush'
}

export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  nowMs(): number
  /** Monotonic milliseconds, fractional; only differences mean something. */
  monotonicMs(): number
  /** Milliseconds since the kernel booted: one clock for all processes of one boot. */
  sinceBootMs(): number
  /**
   * Calls back once after `delayMs`; keeps the process alive meanwhile only where `keepsAlive` says so,
   * for a wait that somebody awaits. Returns the way to cancel.
   */
  after(delayMs: number, callback: () => void, keepsAlive?: boolean): () => void
  /** Calls back once everything that follows from this event has run, and before the next event. */
  soon(callback: () => void): void
  /**
   * Calls back once the events that have come by now are all seen to: what follows from each of them can
   * be done for all at one price.
   */
  afterEvents(callback: () => void): void
  /** Keeps the process alive for a wait without an end of its own. Returns the way to let it go. */
  hold(): () => void
}

/** How late the event loop comes to what is due, while something watches it. */
export interface LoopDelay {
  /** The longest delay since this was last asked, milliseconds. */
  takeMaxMs(): number
  stop(): void
}

/** Whether somebody listens at a socket: proof of life, proof of death, or neither. */
export type SocketProbe =
  | { readonly state: 'alive' }
  | { readonly state: 'refused' }
  | { readonly state: 'missing' }
  | { readonly state: 'unclear'; readonly cause: Error }

export interface SocketListener {
  /** Ends every connection that is left, and listens no more. */
  close(): Promise<void>
}

/** One end of a connection: bytes in both directions, as fast as the slower end takes them. */
export interface Connection {
  /**
   * The next bytes that came, so many as there are; undefined once the other end has ended, or this one
   * is closed. Rejects where the connection broke. One call at a time.
   */
  read(): Promise<Uint8Array | undefined>
  /** Resolves when the kernel has taken the bytes, which stay as they are until then. */
  write(bytes: Uint8Array): Promise<void>
  /** Ends both directions at once; a second call does nothing. */
  close(): void
}

export interface Sockets {
  /**
   * Listens on a unix socket file (mode 0600). Paths of any length work where the platform allows.
   * Whoever connects is handed to `onConnection`, and is let go at once where nobody wants it. Neither
   * the listener nor a connection of it keeps the process alive.
   */
  listen(path: string, onConnection?: (connection: Connection) => void): Promise<SocketListener>
  /** Connects and hangs up at once. Never rejects. */
  probe(path: string): Promise<SocketProbe>
  /** Connects; the connection keeps the process alive until it is closed. */
  connect(path: string): Promise<Connection>
}

/** Who this process is: written into LOCK and LINK, compared by later openers. */
export interface Identity {
  readonly pid: number
  readonly host: string
  /** Changes with every boot of the kernel (16 bytes as 32 hex digits). */
  readonly bootId: string
  /** Wall-clock time of that boot, milliseconds. */
  readonly bootTimeMs: number
}

/** LZ4 blocks, by whichever codec works here; all make and take the same format. */
export interface Lz4 {
  readonly codec: 'native-free' | 'lz4'
  /**
   * Compresses a range of `source` into a range of `target`; the length of the block, or 0 where it
   * does not fit. The ranges must not overlap.
   */
  compress(
    source: Uint8Array,
    sourceStart: number,
    sourceEnd: number,
    target: Uint8Array,
    targetStart: number,
    targetEnd: number,
  ): number
  /** Unpacks to exactly so many bytes, in memory of their own, or throws; stands any input. */
  decompress(stored: Uint8Array, unpackedBytes: number): Uint8Array
}

export interface System {
  readonly files: FileSystem
  readonly clock: Clock
  readonly sockets: Sockets
  readonly identity: Identity
  /** CRC-32 (ISO-HDLC, as in zlib) of `bytes`, continued from `seed`; unsigned. */
  crc32(bytes: Uint8Array, seed: number): number
  /** Chosen when it is asked for first, since loading an addon takes time. */
  readonly lz4: Lz4
  /** Fills `target` with random bytes. */
  random(target: Uint8Array): void
  /** Watches the event loop until it is told to stop; keeps no process alive. */
  watchLoop(): LoopDelay
  /** Tells whoever runs this process, as Node tells its own warnings. */
  warn(code: string, message: string): void
}

/** Errors shaped like Node's, for the simulated world. Pure. */

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'address already in use',
  EAGAIN: 'resource temporarily unavailable',
  EBADF: 'bad file descriptor',
  EDQUOT: 'disk quota exceeded',
  EEXIST: 'file already exists',
  EFBIG: 'file too large',
  EIO: 'i/o error',
  EISDIR: 'illegal operation on a directory',
  EMFILE: 'too many open files',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  ENXIO: 'no such device or address',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
}

/** An error as the real calls give it: `code`, `syscall`, and the path where there is one. */
export class SimulatedSystemError extends Error {
  readonly code: string
  readonly syscall: string
  readonly path: string

  constructor(code: string, syscall: string, path: string) {
    // As those of the real calls, which come from the kernel, it carries no frames: taking them costs
    // more than everything else that a failing call does here.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(`${code}: ${WORDS[code] ?? 'simulated failure'}, ${syscall} '${path}'`)
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
    this.syscall = syscall
    this.path = path
  }
}

/**
 * Thrown by the synchronous calls of a process that was killed inside one: nothing else can stop
 * running JavaScript. Whatever a dead process says afterwards counts for nothing.
 */
export class SimulatedDeath extends Error {
  constructor(processName: string) {
    super(`simulated process ${processName} is dead`)
    this.name = 'SimulatedDeath'
  }
}

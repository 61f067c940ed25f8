/** Sockets as one simulated process sees them: a listener lives exactly as long as its process. */
import type { Connection, SocketListener, SocketProbe, Sockets } from '../system.ts'
import type { SimulatedWorld } from './file-handle.ts'
import type { Inode } from './inode.ts'
import type { Caller } from './scheduler.ts'
import { SimulatedSystemError } from './system-error.ts'

export class SimulatedSockets implements Sockets {
  readonly #world: SimulatedWorld
  readonly #caller: Caller

  constructor(world: SimulatedWorld, caller: Caller) {
    this.#world = world
    this.#caller = caller
  }

  /** Two steps, as in the kernel: between binding and listening the socket refuses. */
  listen(path: string): Promise<SocketListener> {
    const { scheduler, disk } = this.#world
    const begun = scheduler.begin(this.#caller, 'listen', path)
    let bound: Inode | undefined
    let failure: SimulatedSystemError | undefined
    const bind = (): void => {
      try {
        if (begun.fault !== undefined) {
          throw new SimulatedSystemError(begun.fault.error, 'listen', path)
        }
        bound = disk.create(path, 'socket', 'listen', 'EADDRINUSE')
      } catch (error) {
        if (!(error instanceof SimulatedSystemError)) throw error
        failure = error
      }
    }
    return scheduler.issue(begun, {
      first: bind,
      effect: () => {
        if (failure !== undefined) throw failure
        if (bound === undefined) throw new Error('a socket listens before it is bound')
        bound.listener = this.#caller
        return this.#listener(path, bound)
      },
      interrupted: () => {
        if (bound === undefined && this.#world.crashRandom.chance(0.5)) bind()
      },
    })
  }

  probe(path: string): Promise<SocketProbe> {
    const { scheduler } = this.#world
    const begun = scheduler.begin(this.#caller, 'probe', path)
    return scheduler.issue(begun, {
      first: undefined,
      effect: (): SocketProbe => {
        try {
          if (begun.fault !== undefined) {
            throw new SimulatedSystemError(begun.fault.error, 'connect', path)
          }
          return this.#look(path)
        } catch (error) {
          if (!(error instanceof SimulatedSystemError)) throw error
          return error.code === 'ENOENT' ? { state: 'missing' } : { state: 'unclear', cause: error }
        }
      },
      interrupted: undefined,
    })
  }

  /** Bytes between processes are not simulated: what crosses a socket is no matter of the disk. */
  connect(path: string): Promise<Connection> {
    return Promise.reject(new SimulatedSystemError('ENOTSUP', 'connect', path))
  }

  #look(path: string): SocketProbe {
    const inode = this.#world.disk.get(path, 'connect')
    // Connecting to a file that is no socket is refused too.
    return inode.listener?.alive === true ? { state: 'alive' } : { state: 'refused' }
  }

  /** Closing removes the socket's file by its path, as libuv does. */
  #listener(path: string, inode: Inode): SocketListener {
    const { scheduler, disk } = this.#world
    let closed = false
    return {
      close: () => {
        if (closed) throw new Error('socket listener closed twice')
        closed = true
        const begun = scheduler.begin(this.#caller, 'stopListening', path)
        const close = (): void => {
          inode.listener = undefined
          if (disk.exists(path)) disk.unlink(path)
        }
        return scheduler.issue(begun, { first: undefined, effect: close, interrupted: close })
      },
    }
  }
}

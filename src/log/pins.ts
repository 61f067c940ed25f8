/**
 * Readers of other processes that ask for files to stay as they are: each listens on `pin-<random>.sock`
 * in the log's directory, and the owner uses no file again while one of them lives. Touches these
 * sockets, nothing else.
 */
import type { SocketListener, System } from '../system/system.ts'
import { ioError, runAll } from './io-errors.ts'
import { randomHex } from './segment-file.ts'
import { unlinkIfThere } from './tidy.ts'

const PIN = /^pin-[0-9a-f]+\.sock$/

/** Holds until closed. Whoever reads the map after this resolved finds the files of that map whole. */
export async function bindPin(system: System, directory: string): Promise<SocketListener> {
  const path = `${directory}/pin-${randomHex(system, 8)}.sock`
  // It gets its name once it answers: a socket that is bound and refuses counts as a dead reader's.
  const listener = await system.sockets.listen(`${path}.tmp`)
  try {
    await system.files.rename(`${path}.tmp`, path)
  } catch (error) {
    await listener.close()
    throw error
  }
  return {
    close: async () => {
      // Whatever becomes of its name: who listens no more holds nothing.
      const errors = await runAll([() => unlinkIfThere(system, path), () => listener.close()])
      if (errors.length > 0) throw ioError(`let go of ${path}`, errors[0], errors.slice(1))
    },
  }
}

/** Whether a reader lives that holds a pin; those of dead readers are cleared away. */
export async function isPinned(system: System, directory: string): Promise<boolean> {
  for (const name of await system.files.list(directory)) {
    if (!PIN.test(name)) continue
    const path = `${directory}/${name}`
    const { state } = await system.sockets.probe(path)
    // Only a refusal proves that nobody is there.
    if (state === 'alive' || state === 'unclear') return true
    if (state === 'refused') await unlinkIfThere(system, path)
  }
  return false
}

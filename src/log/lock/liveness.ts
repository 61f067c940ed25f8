/**
 * Whether the owner that a lock file names lives. Proof or no answer, never a guess: a connection
 * proves life; a refused one, another boot of the kernel or a release prove death. Pids prove
 * nothing (another container has its own), and neither does age. Reads only.
 */
import type { System } from '../../system/system.ts'
import { type LockOwner, type PresentLockFile, socketPath } from './lock-file.ts'

export type Liveness =
  | { readonly state: 'released' }
  | { readonly state: 'dead' }
  | { readonly state: 'alive'; readonly owner: LockOwner }
  | { readonly state: 'unclear'; readonly why: string; readonly cause?: Error }

export async function livenessOf(
  system: System,
  directory: string,
  file: PresentLockFile,
): Promise<Liveness> {
  if (file.kind === 'unreadable') return { state: 'unclear', why: file.why }
  const owner = file.owner
  if (owner.state === 'released') return { state: 'released' }
  if (owner.bootId !== system.identity.bootId) return { state: 'dead' }
  const path = socketPath(directory, owner.random)
  const probe = await system.sockets.probe(path)
  switch (probe.state) {
    case 'alive':
      return { state: 'alive', owner }
    case 'refused':
      return { state: 'dead' }
    case 'missing':
      return { state: 'unclear', why: `its socket ${path} is missing` }
    case 'unclear':
      return {
        state: 'unclear',
        why: `its socket ${path} gives no clear answer (${probe.cause.message})`,
        cause: probe.cause,
      }
  }
}

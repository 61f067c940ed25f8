/** Puts a hostile directory onto a disk: files, and what is named like them and is none. Touches that directory. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

/** One thing under a name. */
export type Thing =
  | { readonly kind: 'file'; readonly bytes: Uint8Array; readonly sparseBytes?: number }
  | { readonly kind: 'directory' }
  | { readonly kind: 'fifo' }
  | { readonly kind: 'socket' }
  | { readonly kind: 'link'; readonly to: string }

/** Makes the directory, which must not be there. Resolves with what has to be let go of behind it. */
export async function layOut(
  directory: string,
  things: ReadonlyMap<string, Thing>,
): Promise<() => Promise<void>> {
  mkdirSync(directory)
  const closes: (() => Promise<void>)[] = []
  for (const [name, thing] of things) {
    const path = join(directory, name)
    if (thing.kind === 'directory') mkdirSync(path)
    else if (thing.kind === 'fifo') execFileSync('mkfifo', [path])
    else if (thing.kind === 'link') symlinkSync(thing.to, path)
    else if (thing.kind === 'socket') closes.push(await bindSocket(path))
    else {
      writeFileSync(path, thing.bytes)
      if (thing.sparseBytes !== undefined) {
        truncateSync(path, Math.max(thing.bytes.length, thing.sparseBytes))
      }
    }
  }
  return async () => {
    for (const close of closes) await close()
  }
}

/** Somebody listens there, and hangs up. */
function bindSocket(path: string): Promise<() => Promise<void>> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.destroy()
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      resolve(() => new Promise((closed) => server.close(() => closed())))
    })
  })
}

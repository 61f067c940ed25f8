/** Makes a script that fails as short as it can: without steps, then without commands. */

import type { Script, Step } from './script.ts'

const TRIES_MAX = 150

/** The shortest script found that still fails; each try starts from fresh servers. */
export async function shrink(
  script: Script,
  fails: (script: Script) => Promise<boolean>,
  limitMs: number,
): Promise<Script> {
  const end = performance.now() + limitMs
  let tries = 0
  const stillFails = async (shorter: Script): Promise<boolean> => {
    if (++tries > TRIES_MAX || performance.now() > end) return false
    return await fails(shorter)
  }
  const fewer = await without(script, stillFails)
  let shortest: Script = fewer
  for (const [index, step] of fewer.entries()) {
    if (step.kind !== 'send' || step.commands.length === 1) continue
    const replaced = (commands: readonly string[]): Script =>
      shortest.map((one, i): Step => (i === index ? { ...step, commands } : one))
    const commands = await without(
      step.commands,
      async (some) => some.length > 0 && (await stillFails(replaced(some))),
    )
    shortest = replaced(commands)
  }
  return await without(shortest, stillFails)
}

/** The items without those that are not needed: halves first, then ever smaller runs of them. */
async function without<T>(
  items: readonly T[],
  stillFails: (items: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let left = items
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let at = 0; at < left.length; ) {
      const some = [...left.slice(0, at), ...left.slice(at + size)]
      if (await stillFails(some)) left = some
      else at += size
    }
  }
  return left
}

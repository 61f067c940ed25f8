/** Lives that follow one in another mode of making things durable, which ended in order or not. */
import type { LogOptions } from '../../src/log/types.ts'
import type { Machine } from './machine.ts'
import { live, type Trace } from './traces.ts'

type SyncOption = NonNullable<LogOptions['sync']>

const MODES: Readonly<Record<string, SyncOption>> = {
  always: 'always',
  interval: { intervalMs: 2, bytes: 4_000 },
  never: 'never',
}

export function modeTraces(): Trace[] {
  const traces: Trace[] = []
  for (const [before, sync] of Object.entries(MODES)) {
    for (const [after, syncAfter] of Object.entries(MODES)) {
      if (before === after) continue
      for (const ending of ['closed', 'killed'] as const) {
        traces.push({
          name: `${before} mode, ${ending}, then ${after} mode`,
          prepare: (machine) => lifeInMode(machine, sync, ending === 'closed'),
          fromOpening: true,
          options: { sync: syncAfter, idleSyncMs: 0 },
          act: async (opening) => {
            await opening.append(300)
            await opening.append(2_000, 50)
          },
        })
      }
    }
  }
  return traces
}

async function lifeInMode(machine: Machine, sync: SyncOption, closes: boolean): Promise<void> {
  await live(
    machine,
    async (opening) => {
      await opening.append(100)
      await opening.append(3_000, 700)
      await opening.append(40)
      if (closes) await opening.current.close()
    },
    { sync },
  )
}

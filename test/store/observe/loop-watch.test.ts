/** When the event loop is watched, what is told of it, and when it is warned of. */
import { expect, test } from 'vitest'
import { LoopWatch } from '../../../src/store/observe/loop-watch.ts'
import { Listener } from '../../listen.ts'
import { passes, simulate } from '../../log/space/support.ts'

test('nothing is watched while nobody listens and no work runs', async () => {
  await simulate(1, async (process) => {
    const watch = new LoopWatch(process, 'store')
    watch.look()
    await passes(process, 5_000)
    expect(process.loopWatchers).toBe(0)
    watch.close()
  })
})

test('it is watched while work runs, and not for long after the last has ended', async () => {
  await simulate(2, async (process) => {
    const watch = new LoopWatch(process, 'store')
    const endOne = watch.workBegun()
    const endOther = watch.workBegun()
    expect(process.loopWatchers).toBe(1)
    endOne()
    endOne()
    await passes(process, 5_000)
    expect(process.loopWatchers).toBe(1)
    endOther()
    await passes(process, 2_000)
    expect(process.loopWatchers).toBe(0)
    watch.workBegun()
    expect(process.loopWatchers).toBe(1)
    watch.close()
    expect(process.loopWatchers).toBe(0)
    watch.workBegun()
    expect(process.loopWatchers).toBe(0)
  })
})

test('delays of over 100 ms are told, those of over a second are warned of once a minute', async () => {
  const heard = new Listener('qlog:loop-delay')
  await simulate(3, async (process) => {
    const watch = new LoopWatch(process, 'store')
    watch.look()
    for (const delayMs of [99, 101, 1_001, 2_500]) {
      process.loopDelayMs = delayMs
      await passes(process, 1_000)
    }
    await passes(process, 3_000)
    expect(heard.events.map(({ delayMs }) => delayMs)).toEqual([101, 1_001, 2_500])
    expect(process.warnings.map(({ code }) => code)).toEqual(['QLOG_LOOP_DELAY'])
    expect(process.warnings[0]?.message).toContain('held up for 1.0 s')
    await passes(process, 60_000)
    process.loopDelayMs = 2_500
    await passes(process, 1_000)
    expect(process.warnings).toHaveLength(2)
    heard.stop()
    await passes(process, 2_000)
    expect(process.loopWatchers).toBe(0)
    watch.close()
  })
})

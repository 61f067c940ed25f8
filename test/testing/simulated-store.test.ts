/** A store that a user's own test opens on the simulated machine. */
import { expect, test } from 'vitest'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { openSimulatedStore } from '../../src/testing/simulated-store.ts'

test('what a put promised is there after a power cut, and what nobody promised may not be', async () => {
  const simulation = new Simulation({ seed: 7 })
  await simulation.run(async () => {
    const store = await openSimulatedStore(simulation.process('first'), '/data')
    await store.queue('q').put('promised', { delayMs: 30_000 })
    void store.queue('q').put('under way')
    simulation.powerCut()

    const again = await openSimulatedStore(simulation.process('second'), '/data')
    const [kept] = await again.queue('q').read()
    expect(new TextDecoder().decode(kept?.body)).toBe('promised')
    await again.close()
  })
})

test('it runs on the clock of the simulation: an hour takes no time', async () => {
  const simulation = new Simulation({ seed: 1 })
  await simulation.run(async () => {
    const store = await openSimulatedStore(simulation.process('only'), '/data')
    const startMs = simulation.clock.nowMs()
    await store.queue('q').put('later', { delayMs: 3_600_000 })
    const session = store.session()
    await session.watch('q')
    const [delivery] = await session.reserve()
    expect(delivery?.text()).toBe('later')
    expect(simulation.clock.nowMs() - startMs).toBeGreaterThanOrEqual(3_600_000)
    await store.close()
  })
})

test('it takes the options of a log, and refuses what openStore refuses', async () => {
  const simulation = new Simulation({ seed: 1 })
  await simulation.run(async () => {
    const process = simulation.process('only')
    const log = { messageBytesMax: 100 }
    const store = await openSimulatedStore(process, '/data', { log })
    await expect(store.queue('q').put('x'.repeat(101))).rejects.toThrow(
      expect.objectContaining({ code: 'QLOG_TOO_LARGE' }),
    )
    await store.close()
    const refused = expect.objectContaining({ code: 'QLOG_INVALID_ARGUMENT' })
    const retention = { log: { retention: { messages: 1 } } }
    await expect(openSimulatedStore(process, '/data', retention as never)).rejects.toThrow(refused)
    await expect(openSimulatedStore(process, '', {})).rejects.toThrow(refused)
  })
})

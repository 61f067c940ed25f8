/** `qlog configure` and `group`: alone, and beside a service that holds the store and works. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { endService, fine, lines, qlog, serve } from './service.ts'
import { freshDirectory } from './support.ts'

afterEach(endService)

describe.each(['alone', 'beside a working service'])('%s', (where) => {
  async function place(): Promise<string> {
    const directory = join(freshDirectory(), 'data')
    if (where !== 'alone') await serve(directory)
    await fine('put', directory, 'orders', 'one')
    return directory
  }

  it('configure changes what is named, leaves the rest, and prints all', async () => {
    const data = await place()
    const untouched = await fine('configure', data, 'orders')
    expect(untouched).toMatch(/^messages-max +none$/m)
    expect(untouched).toMatch(/^when-full +refuse$/m)
    expect(untouched).toMatch(/^group-idle +none$/m)
    expect(await fine('queues', data)).not.toContain('messages-max')
    const limits = ['--messages-max', '10000', '--ttl', '604800', '--when-full', 'drop-oldest']
    await fine('configure', data, 'orders', ...limits, '--dead-letter', 'orders.dead')
    const counts = ['--bytes-max', '5000000', '--attempts-max', '3']
    const more = [...counts, '--group-idle', '90', '--retain-age', '60']
    const words = await fine('configure', data, 'orders', ...more, '--retain-messages', '7')
    for (const row of [
      /^messages-max +10,000$/m,
      /^bytes-max +5,000,000$/m,
      /^when-full +drop-oldest$/m,
      /^ttl +604800 s \(7 d\)$/m,
      /^dead-letter +orders\.dead$/m,
      /^retention +age 60 s, 7 messages$/m,
      /^group-idle +90 s$/m,
      /^attempts-max +3$/m,
    ]) {
      expect(words).toMatch(row)
    }
    expect(await lines('configure', data, 'orders')).toEqual([
      {
        v: 1,
        queue: 'orders',
        settings: {
          messagesMax: 10_000,
          bytesMax: 5_000_000,
          whenFull: 'drop-oldest',
          ttlMs: 604_800_000,
          deadLetter: { queue: 'orders.dead' },
          groupIdleMs: 90_000,
          retention: { ageMs: 60_000, messages: 7 },
          attemptsMax: 3,
        },
      },
    ])
    const table = await fine('queues', data)
    expect(table).toContain('\norders: messages-max 10,000; bytes-max 5,000,000; when-full')
    expect(table).toContain('dead-letter orders.dead; retention age 60 s, 7 messages;')
    expect(table.split('\n').filter((line) => line.length > 80)).toEqual([])
    const all = ['--messages-max', '--bytes-max', '--ttl', '--dead-letter', '--group-idle']
    all.push('--attempts-max')
    const none = all.flatMap((name) => [name, 'none'])
    await fine('configure', data, 'orders', ...none, '--retention', 'all', '--when-full', 'refuse')
    expect(await fine('queues', data)).toMatch(/^orders: retention all$/m)
    await fine('configure', data, 'orders', '--retention', 'none')
    expect(await fine('configure', data, 'orders')).toBe(untouched)
  })

  it('configure makes no queue unless told', async () => {
    const data = await place()
    for (const words of [[], ['--ttl', '5']]) {
      const { exitCode, stderr } = await qlog('configure', data, 'order', ...words)
      expect(stderr).toMatch(/there is no queue order; the queues are .*orders.*QLOG_NOT_FOUND/)
      expect(exitCode).toBe(2)
    }
    const names = async () => (await lines('queues', data)).map(({ queue }) => queue)
    expect(await names()).not.toContain('order')
    await fine('configure', data, 'bare', '--create-queue')
    expect(await fine('configure', data, 'new', '--create-queue', '--ttl', '5')).toMatch(
      /^ttl +5 s$/m,
    )
    expect(await names()).toEqual(expect.arrayContaining(['bare', 'new']))
  })

  it('what a setting may not be is told by the store, and nothing is changed', async () => {
    const data = await place()
    const { exitCode, stderr } = await qlog('configure', data, 'orders', '--dead-letter', 'orders')
    expect(stderr).toContain('deadLetter.queue must be another queue')
    expect(exitCode).toBe(2)
  })

  it('group makes a group at a place, changes it, shows it and removes it', async () => {
    const data = await place()
    await fine('put', data, 'orders', 'two')
    const made = await fine('group', data, 'orders', 'audit', '--from', 'next')
    expect(made).toMatch(/^orders +audit +0 +0 +0 +0 +2 +0$/m)
    const [, second] = await lines(
      'list',
      data,
      'orders',
      '--group',
      'audit',
      '--state',
      'finished',
    )
    const from = String(second?.['id'] ?? 2)
    const limits = ['--leased-max', '16', '--promote-after', '90']
    const billing = ['group', data, 'orders', 'billing']
    await fine(...billing, '--from', from, ...limits)
    const [shown] = await lines(...billing)
    expect(shown).toMatchObject({ v: 1, group: 'billing', leasedMax: 16, promoteAfterMs: 90_000 })
    expect(await fine('groups', data, 'orders')).toMatch(/leased-max 16; promote-after 90 s$/m)
    await fine(...billing, '--leased-max', 'none')
    expect(await fine(...billing)).toMatch(/ {2}promote-after 90 s$/m)
    const again = await qlog(...billing, '--from', 'first')
    expect(again.stderr).toContain(
      'queue orders has a group billing already, which keeps its place',
    )
    expect(again.exitCode).toBe(2)
    await fine('group', data, 'orders', 'late', '--from', '2069-01-01')
    const removed = await qlog('group', data, 'orders', 'late', '--remove', '--confirm', 'late')
    expect(removed).toMatchObject({
      exitCode: 0,
      stderr: 'group late of orders is removed; 0 messages it had not finished\n',
    })
    expect((await lines('groups', data, 'orders')).map(({ group }) => group)).toEqual([
      'audit',
      'billing',
    ])
  })

  it('what a mistyped group held back is free once it is removed', async () => {
    const data = await place()
    await fine('take', data, 'orders', '--group', 'typo', '--create-group')
    await fine('take', data, 'orders', '--create-group', '--ack')
    const count = async () =>
      (await lines('queues', data)).find(({ queue }) => queue === 'orders')?.['messages']
    expect(await count()).toBe(1)
    for (const words of [[], ['--confirm', 'type']]) {
      const refused = await qlog('group', data, 'orders', 'typo', '--remove', ...words)
      expect(refused.stderr).toContain('nothing was done')
      expect(refused.stderr).toContain('give its exact name once more: --confirm typo\n')
      expect(refused.exitCode).toBe(2)
    }
    expect(await count()).toBe(1)
    const removed = await qlog('group', data, 'orders', 'typo', '--remove', '--confirm', 'typo')
    expect(removed.stderr).toBe('group typo of orders is removed; 1 message it had not finished\n')
    expect(await count()).toBe(0)
  })

  it('a put that finds no room ends with 8, and is told what commands can do', async () => {
    const data = await place()
    await fine('configure', data, 'orders', '--messages-max', '1')
    const refused = await qlog('put', data, 'orders', 'one too many')
    expect(refused.stderr).toContain('(QLOG_QUEUE_FULL)')
    expect(refused.stderr).toContain('qlog configure DIR QUEUE --messages-max N')
    expect(refused.exitCode).toBe(8)
  })

  it('a queue that nobody may miss is removed, with its exact name twice', async () => {
    const data = await place()
    const remove = (...words: string[]) => qlog('queues', data, '--remove', 'orders', ...words)
    for (const words of [[], ['--confirm', 'order']]) {
      const refused = await remove(...words)
      expect(refused.stderr).toContain('nothing was done')
      expect(refused.exitCode).toBe(2)
    }
    const used = await remove('--confirm', 'orders')
    expect(used.stderr).toContain('of its messages are not finished (QLOG_QUEUE_IN_USE)')
    expect(used.stderr).toContain('say --forget-keys')
    expect(used.exitCode).toBe(8)
    const names = async () => (await lines('queues', data)).map(({ queue }) => queue)
    expect(await names()).toContain('orders')
    await fine('purge', data, 'orders', '--confirm', 'orders')
    expect(await remove('--confirm', 'orders', '--forget-keys')).toMatchObject({
      exitCode: 0,
      stderr: 'queue orders is removed\n',
    })
    expect(await names()).not.toContain('orders')
    const gone = await remove('--confirm', 'orders')
    expect(gone.stderr).toMatch(/there is no queue orders/)
    const alone = await qlog('queues', data, '--confirm', 'orders')
    expect(alone.stderr).toMatch(/belong to --remove/)
  })

  it('group names what there is where a queue or group is not there', async () => {
    const data = await place()
    for (const [words, expected] of [
      [['order', 'audit'], /there is no queue order; the queues are .*orders/],
      [['order', 'audit', '--from', 'first'], /there is no queue order; the queues are .*orders/],
      [['orders', 'audit'], /queue orders has no group audit; there are no groups yet/],
      [['orders', 'audit', '--leased-max', '1'], /queue orders has no group audit/],
      [['orders', 'audit', '--remove', '--confirm', 'audit'], /queue orders has no group audit/],
      [['orders', 'default'], /queue orders has no group default/],
    ] as const) {
      const { exitCode, stderr } = await qlog('group', data, ...words)
      expect(stderr).toMatch(expected)
      expect(exitCode).toBe(2)
    }
    expect(await lines('groups', data, 'orders')).toEqual([])
  })
})

it.each([
  [['configure', 'x', 'q', '--messages-max', '0'], /whole number from 1 to \d+, or none\./],
  [['configure', 'x', 'q', '--ttl', 'long'], /seconds from 0 to .*, or none\./],
  [['configure', 'x', 'q', '--when-full', 'drop'], /Allowed choices are refuse, drop-oldest/],
  [['configure', 'x', 'q', '--retention', 'some'], /Allowed choices are all, none/],
  [['configure', 'x', 'q', '--retention', 'all', '--retain-age', '1'], /not both/],
  [['group', 'x', 'q', 'g', '--from', 'monday'], /first, next, the id of a message, or a time/],
  [['group', 'x', 'q', 'g', '--from', '0'], /whole number from 1/],
  [['group', 'x', 'q', 'g', '--confirm', 'g'], /--confirm belongs to --remove/],
  [['group', 'x', 'q', 'g', '--remove', '--confirm', 'g', '--from', 'next'], /the other options/],
])('bad usage exits with 2 and touches nothing: %j', async (words, expected) => {
  const { exitCode, stderr, out } = await qlog(...words)
  expect(stderr).toMatch(expected)
  expect(exitCode).toBe(2)
  expect(out).toBe('')
  expect(existsSync('x')).toBe(false)
})

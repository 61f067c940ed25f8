/** Statistics: which fields, in which order, and that they are true; read as real YAML parsers read them. */
import { describe, expect, test } from 'vitest'
import { serving } from './served.ts'

const SERVER_FIELDS =
  'current-jobs-urgent current-jobs-ready current-jobs-reserved current-jobs-delayed current-jobs-buried ' +
  'cmd-put cmd-peek cmd-peek-ready cmd-peek-delayed cmd-peek-buried cmd-reserve cmd-reserve-with-timeout ' +
  'cmd-delete cmd-release cmd-use cmd-watch cmd-ignore cmd-bury cmd-kick cmd-touch cmd-stats cmd-stats-job ' +
  'cmd-stats-tube cmd-list-tubes cmd-list-tube-used cmd-list-tubes-watched cmd-pause-tube job-timeouts ' +
  'total-jobs max-job-size current-tubes current-connections current-producers current-workers ' +
  'current-waiting total-connections pid version rusage-utime rusage-stime uptime binlog-oldest-index ' +
  'binlog-current-index binlog-records-migrated binlog-records-written binlog-max-size draining id hostname ' +
  'os platform'
const TUBE_FIELDS =
  'name current-jobs-urgent current-jobs-ready current-jobs-reserved current-jobs-delayed ' +
  'current-jobs-buried total-jobs current-using current-watching current-waiting cmd-delete cmd-pause-tube ' +
  'pause pause-time-left'
const JOB_FIELDS =
  'id tube state pri age delay ttr time-left file reserves timeouts releases buries kicks'

describe('statistics', () => {
  test('have the fields of the real server in its order', () =>
    serving(async (served) => {
      const peer = served.connect()
      const id = await peer.put('a')
      expect(Object.keys(await peer.stats('stats')).join(' ')).toBe(SERVER_FIELDS)
      expect(Object.keys(await peer.stats('stats-tube default')).join(' ')).toBe(TUBE_FIELDS)
      expect(Object.keys(await peer.stats(`stats-job ${id}`)).join(' ')).toBe(JOB_FIELDS)
    }))

  test('tell their own length, without the last end of a line', () =>
    serving(async (served) => {
      const reply = await served.connect().ask('stats')
      const [head = '', ...rest] = reply.split('\r\n')
      expect(rest).toHaveLength(2)
      expect(head).toBe(`OK ${rest[0]?.length}`)
      expect(rest[0]).toMatch(/^---\n([a-z-]+: [^\n]+\n)+$/)
    }))

  test('quote what is a text, so that none of it is a comment', () =>
    serving(
      async (served) => {
        const peer = served.connect()
        const stats = await peer.stats('stats')
        for (const name of ['version', 'hostname', 'os', 'platform']) {
          expect(stats[name], name).toMatch(/^".*"$/)
        }
        expect(stats['version']).toBe('"1 \\"x\\""')
        expect(stats['id']).toMatch(/^[0-9a-f]{16}$/)
        expect(stats['rusage-utime']).toMatch(/^\d+\.\d{6}$/)
        expect(await peer.stats('stats-tube default')).toMatchObject({ name: '"default"' })
      },
      { version: '1 "x"' },
    ))

  test('count every command once it is understood, also where it fails', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.ask('use t')
      await peer.ask('watch t')
      await peer.ask('ignore t')
      await peer.ask('use :')
      await peer.put('a')
      await peer.ask('put 1 0 1 1\r\nabc')
      await peer.reply()
      for (const command of ['peek 1', 'peek x', 'peek-ready', 'peek-delayed', 'peek-buried']) {
        await peer.ask(command)
      }
      for (const command of ['reserve-with-timeout 0', 'touch 1', 'delete 9', 'release 1 1 0']) {
        await peer.ask(command)
      }
      for (const command of ['bury 1 1', 'kick 1', 'kick-job 1', 'reserve-job 1']) {
        await peer.ask(command)
      }
      for (const command of ['stats-job 1', 'stats-tube t', 'list-tubes', 'list-tube-used']) {
        await peer.ask(command)
      }
      await peer.ask('list-tubes-watched')
      await peer.ask('pause-tube nobody 1')
      for (const rest of ['', ' t', ' t x', ' t 1 x', ' -a x']) await peer.ask(`pause-tube${rest}`)
      const ones =
        'peek peek-ready peek-delayed peek-buried reserve-with-timeout touch delete release bury kick use ' +
        'watch ignore stats stats-job stats-tube list-tubes list-tube-used list-tubes-watched pause-tube'
      const expected = Object.fromEntries(ones.split(' ').map((name) => [`cmd-${name}`, '1']))
      expect(await peer.stats('stats')).toMatchObject({
        ...expected,
        'cmd-put': '2',
        'cmd-reserve': '0',
        'total-jobs': '1',
        'current-producers': '1',
        'current-workers': '1',
        'current-tubes': '2',
      })
    }))

  test('tell of jobs by state, and of the urgent ones among the ready', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.ask('use t')
      await peer.ask('watch t')
      await peer.ask('ignore default')
      for (const pri of [0, 1, 1023, 1024, 2000]) await peer.put('a', { pri })
      await peer.put('a', { pri: 1, delay: 60 })
      await peer.reserve()
      await peer.ask(`bury ${await peer.reserve()} 0`)
      const counts = {
        'current-jobs-urgent': '1',
        'current-jobs-ready': '3',
        'current-jobs-reserved': '1',
        'current-jobs-delayed': '1',
        'current-jobs-buried': '1',
        'total-jobs': '6',
      }
      expect(await peer.stats('stats')).toMatchObject(counts)
      expect(await peer.stats('stats-tube t')).toMatchObject({
        ...counts,
        'current-using': '1',
        'current-watching': '1',
      })
    }))

  test('tell the life of a job', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.ask('use t')
      const id = await peer.put('a', { pri: 9, delay: 100, ttr: 30 })
      await served.advance(3_500)
      expect(await peer.stats(`stats-job ${id}`)).toEqual({
        id: `${id}`,
        tube: '"t"',
        state: 'delayed',
        pri: '9',
        age: '3',
        delay: '100',
        ttr: '30',
        'time-left': '96',
        file: '0',
        reserves: '0',
        timeouts: '0',
        releases: '0',
        buries: '0',
        kicks: '0',
      })
      await peer.ask(`kick-job ${id}`)
      await peer.ask(`reserve-job ${id}`)
      await served.advance(1_500)
      expect(await peer.stats(`stats-job ${id}`)).toMatchObject({
        state: 'reserved',
        'time-left': '28',
        reserves: '1',
        kicks: '1',
        delay: '0',
      })
      await peer.ask(`bury ${id} 4`)
      expect(await peer.stats(`stats-job ${id}`)).toMatchObject({
        state: 'buried',
        pri: '4',
        buries: '1',
        'time-left': '0',
      })
    }))

  test('count what was deleted of a tube as long as it is there', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.ask('use t')
      for (let i = 0; i < 3; i++) await peer.ask(`delete ${await peer.put('a')}`)
      expect(await peer.stats('stats-tube t')).toMatchObject({
        'cmd-delete': '3',
        'total-jobs': '3',
      })
      await peer.ask('use default')
      await peer.ask('use t')
      expect(await peer.stats('stats-tube t')).toMatchObject({
        'cmd-delete': '0',
        'total-jobs': '0',
      })
      expect(await peer.stats('stats')).toMatchObject({ 'total-jobs': '3' })
    }))
})

/**
 * Fan-out: each group of a queue gets every message, and the workers within one group share them. A message
 * is gone once every group has finished it.
 */
import { once } from 'node:events'
import { openStore, text } from 'qlog'

const store = await openStore(':memory:')
try {
  const events = store.queue('events', { codec: text() })
  // Groups that exist before the first message miss none.
  await events.createGroup('mail')
  await events.createGroup('audit')

  const seen = { 'mail 1': 0, 'mail 2': 0, audit: 0 }
  const all = new EventTarget()
  const count = (name) => () => {
    seen[name] += 1
    if (seen['mail 1'] + seen['mail 2'] + seen.audit === 20) all.dispatchEvent(new Event('seen'))
  }
  const workers = [
    // Holding few messages ready leaves more for the others of the group.
    events.work(count('mail 1'), { group: 'mail', prefetch: 0 }),
    events.work(count('mail 2'), { group: 'mail', prefetch: 0 }),
    events.work(count('audit'), { group: 'audit' }),
  ]

  const seenAll = once(all, 'seen')
  await events.putMany(Array.from({ length: 10 }, (_, i) => `event ${i}`))
  await seenAll
  await Promise.all(workers.map((worker) => worker.stop()))

  console.log('mail, by two workers:', seen['mail 1'] + seen['mail 2'])
  console.log('audit:', seen.audit)
  console.log('kept:', store.stats().messages)

  // A group that nobody reads keeps everything from then on: look at the lag, and remove it.
  await events.createGroup('forgotten', { from: 'next' })
  await events.put('one more')
  console.log('lag:', events.group('forgotten').stats().lag)
} finally {
  await store.close()
}

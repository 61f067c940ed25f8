/** The verbs of settings, and of groups and queues as wholes. What is told to change is durable. */
import { QlogTypeError } from '../../../errors.ts'
import { checkName } from '../../../store/check.ts'
import type { Group, GroupOptions } from '../../../store/types/groups.ts'
import { existingQueue, namedGroup } from './places.ts'
import type { Verb, VerbTypes } from './types.ts'

export const configure: Verb<VerbTypes['configure']> = async ({ store, args }) => {
  const { queue: name, settings = {}, createQueue } = args
  checkName('the name of a queue', name)
  const isNew = createQueue === true && !store.queues().includes(name)
  const queue = isNew ? store.queue(name) : existingQueue(store, name)
  // A queue begins with a setting, be it one that it would have anyway.
  await queue.configure(isNew ? { whenFull: 'refuse', ...settings } : settings)
  return { settings: queue.stats().settings }
}

export const group: Verb<VerbTypes['group']> = async ({ store, args }) => {
  const { from, settings } = args
  if (from !== undefined) return { stats: (await makeGroup(args, store)).stats() }
  const known = namedGroup(store, args)
  if (settings !== undefined) await known.configure(settings)
  return { stats: known.stats() }
}

export const removeGroup: Verb<VerbTypes['removeGroup']> = async ({ store, args }) => {
  const known = namedGroup(store, args)
  const left = known.stats().lag
  await known.remove()
  return { left }
}

export const removeQueue: Verb<VerbTypes['removeQueue']> = async ({ store, args }) => {
  const { queue, forgetKeys = false } = args
  return { removed: await existingQueue(store, queue).remove({ forgetKeys }) }
}

async function makeGroup(
  { queue: queueName, group: name, from, settings = {} }: VerbTypes['group']['args'],
  store: Parameters<typeof existingQueue>[0],
): Promise<Group> {
  const queue = existingQueue(store, queueName)
  checkName('the name of a group', name)
  if (queue.stats().groups.some((one) => one.group === name)) {
    throw new QlogTypeError(
      `queue ${queueName} has a group ${name} already, which keeps its place: seek sends it elsewhere`,
    )
  }
  const { leasedMax, promoteAfterMs } = settings
  const options: GroupOptions = {
    ...(from !== undefined && { from }),
    ...(leasedMax != null && { leasedMax }),
    ...(promoteAfterMs != null && { promoteAfterMs }),
  }
  return queue.createGroup(name, options)
}

/**
 * Changes of a whole queue or group: one record each, whatever the number of messages. From the call on
 * nothing of it is given out, and its deliveries are stale, as if the record were durable already.
 */
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { Taken } from '../dispatch/taken.ts'
import type { ControlOp, PurgeOp } from '../records/control-ops.ts'
import type { StoreCore } from '../store-core.ts'

/** What was decided, and how that ends. */
export interface WholeChange {
  readonly ops: readonly ControlOp[]
  /** It has taken effect. */
  done(): void
  /** It was turned down: everything goes on as it was. */
  undo(): void
}

/** Empties the queue with this number, which may be on its way itself. */
export function beginPurge(core: StoreCore, queue: number): WholeChange {
  const { purging } = core.dispatcher
  const op: PurgeOp = { kind: 'purge', queue }
  purging.add(op)
  const goOn = endLeases(core, groupsOf(core, queue))
  return {
    ops: [op],
    done: () => {
      purging.remove(op)
      // Which messages that were is known by what is left.
      core.gone.discardAll()
    },
    undo: () => {
      purging.remove(op)
      goOn()
      for (const group of groupsOf(core, queue)) group.queue.woke(group)
    },
  }
}

/** The group begins anew at an offset, which is worked out when its record is asked for. */
export function beginSeek(core: StoreCore, group: GroupDispatch, from: () => number): WholeChange {
  group.seeks++
  const goOn = endLeases(core, [group])
  const of = { queue: group.queue.state.number, group: group.state.number }
  return {
    get ops(): readonly ControlOp[] {
      return [{ kind: 'seek', ...of, from: from() }]
    },
    done: () => {
      group.seeks--
      // What it passed may be gone with that.
      core.gone.discardAll()
    },
    undo: () => {
      group.seeks--
      goOn()
      group.queue.woke(group)
    },
  }
}

function groupsOf(core: StoreCore, queue: number): readonly GroupDispatch[] {
  const state = core.state.queues.get(queue)
  return state ? [...core.dispatcher.queue(state).groups.values()] : []
}

/** Ends leases ahead of the record that ends them; what comes back lets them go on. */
function endLeases(core: StoreCore, groups: readonly GroupDispatch[]): () => void {
  const { dispatcher } = core
  const ended: Taken[] = []
  for (const group of groups) {
    group.upheavals++
    group.out.forEach((taken) => {
      if (taken.status === 'leased') ended.push(taken)
    })
  }
  for (const taken of ended) {
    core.revoked.add(taken)
    dispatcher.settle(taken)
  }
  return () => {
    for (const taken of ended) {
      core.revoked.delete(taken)
      dispatcher.unsettle(taken)
    }
  }
}

import { expect, test } from 'vitest'
import { PendingTickets } from '../../src/log/pending-tickets.ts'

test('tickets of a group follow one another until a refusal takes some out', () => {
  const tickets = new PendingTickets()
  tickets.begin(5)
  expect([tickets.at(0), tickets.at(3)]).toEqual([5, 8])
  expect(tickets.keepOnly([6, 8], 10)).toEqual([
    { firstTicket: 5, lastTicket: 5 },
    { firstTicket: 7, lastTicket: 7 },
    { firstTicket: 9, lastTicket: 9 },
  ])
  expect([0, 1, 2, 3].map((row) => tickets.at(row))).toEqual([6, 8, 10, 11])
})

test('a second refusal names none that the first has named', () => {
  const tickets = new PendingTickets()
  tickets.begin(1)
  tickets.keepOnly([2], 4)
  expect(tickets.keepOnly([2], 6)).toEqual([{ firstTicket: 4, lastTicket: 5 }])
  expect(tickets.keepOnly([], 6)).toEqual([{ firstTicket: 2, lastTicket: 2 }])
  expect(tickets.keepOnly([], 6)).toEqual([])
})

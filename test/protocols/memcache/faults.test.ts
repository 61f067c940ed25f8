/** Errors of the store in the words of a memcache client. */
import { expect, test } from 'vitest'
import { QlogError } from '../../../src/errors.ts'
import { faultOf } from '../../../src/protocols/memcache/faults.ts'

test('what was rejected is told in words', () => {
  expect(faultOf(new QlogError('QLOG_REJECTED', 'not written'))?.line).toBe(
    'SERVER_ERROR the log has failed: this was not stored',
  )
})

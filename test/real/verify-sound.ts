/** What `qlog verify` has to say of a directory after whatever was done to its processes: torn perhaps, never rotten. */
import { verify } from '../../src/inspect/index.ts'

export async function verifySound(directory: string): Promise<void> {
  const { verdict, findings } = await verify(directory)
  if (verdict === 'rot') throw new Error(`verify finds rot: ${JSON.stringify(findings)}`)
}

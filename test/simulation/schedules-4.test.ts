import { testLaterShare } from './later-share.ts'

testLaterShare(4)

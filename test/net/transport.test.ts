import { transportCompliance } from '../compliance/transport.ts'
import { memoryFixture, wsFixture } from './fixtures.ts'

transportCompliance('memory', memoryFixture)
transportCompliance('ws', wsFixture)

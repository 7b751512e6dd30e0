import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, describe, type TestContext, test } from 'node:test';
import { docker, needsDocker, removeContainersOf } from '../services/docker.ts';
import { until } from '../services/until.ts';

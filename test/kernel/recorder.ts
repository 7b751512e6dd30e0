import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Undelivered } from '../../src/kernel/behavior.ts';
import type { ShardEffect, ShardListener } from '../../src/kernel/shard.ts';
import type { ToyEffect, ToyMessage } from './toy-behavior.ts';

/** A listener that remembers everything it was told. */
export class Recorder implements ShardListener<ToyMessage, ToyEffect> {
  readonly all: ShardEffect<ToyEffect>[] = [];
  readonly batches: number[] = [];
  readonly letters: Undelivered<ToyMessage>[] = [];
  readonly deaths: Error[] = [];
  calledAfterDeath = false;

  effects(batch: readonly ShardEffect<ToyEffect>[]): void {
    this.calledAfterDeath ||= this.deaths.length > 0;
    this.batches.push(batch.length);
    this.all.push(...batch);
  }

  undelivered(batch: readonly Undelivered<ToyMessage>[]): void {
    this.calledAfterDeath ||= this.deaths.length > 0;
    this.letters.push(...batch);
  }

  dead(error: Error): void {
    this.deaths.push(error);
  }

  /** What the actor noted, in order. */
  notes(from: string): string[] {
    return this.all.flatMap((each) => (each.from === from && each.effect.kind === 'noted' ? [each.effect.text] : []));
  }

  kinds(from: string): string[] {
    return this.all.flatMap((each) => (each.from === from ? [each.effect.kind] : []));
  }

  causes(to: string): string[] {
    return this.letters.flatMap((each) => (each.envelope.to === to ? [each.cause] : []));
  }
}

export async function until(condition: () => boolean, what: string, deadlineMs = 60_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!condition()) {
    assert.ok(Date.now() < end, `not within ${deadlineMs} ms: ${what}`);
    await sleep(2);
  }
}

/**
 * What the README promises a newcomer: from a fresh clone to the first answered query, with nothing but `git clone`,
 * `npm ci`, `npm start` and the curl line that it prints. Packages are in npm's cache; the clone is a local one.
 *
 *   node bench/first-query.ts [--json] [--short]
 *
 * What is committed is measured, not the work tree. Done twice, of which the second counts; with --short only once, which
 * takes the cache to be warm already.
 */
import process from 'node:process';
import { newcomer } from './first-query/newcomer.ts';
import { atMost, report } from './report.ts';

const BAR_SECONDS = 60;
// The first fills npm's cache.
if (!process.argv.includes('--short')) await newcomer();
const { cloneMs, installMs, answerMs, commit } = await newcomer();
const seconds = (cloneMs + installMs + answerMs) / 1000;
const parts = [
  `clone ${inSeconds(cloneMs)}`,
  `npm ci ${inSeconds(installMs)}`,
  `npm start to answer ${inSeconds(answerMs)}`,
];
report([atMost('fresh clone to first answered query', seconds, BAR_SECONDS, 's')], {
  json: process.argv.includes('--json'),
  notes: [`commit ${commit}: ${parts.join(', ')}`],
});

function inSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

import * as assert from 'uvu/assert';
import {
  availableCores,
  cgroupQuota,
  parseCgroupPaths,
  quotaFromCfs,
  quotaFromCpuMax,
} from '../../src/config/cores.js';
import { suite } from '../support/suite.js';

const test = suite('available cores');

/** A machine whose only files are these. */
const files = (texts: Record<string, string>) => (path: string) => texts[path];

test('the unified cgroup is the line with id 0 and no controllers', () => {
  assert.equal(parseCgroupPaths('0::/user.slice/app.scope\n'), { v2: '/user.slice/app.scope' });
});

test('the cpu controller of version 1 is found among others, under the name that it is mounted by', () => {
  const text = '11:cpuset:/docker/x\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/docker/x\n0::/docker/x\n';
  assert.equal(parseCgroupPaths(text), { v1: { hierarchy: 'cpu,cpuacct', path: '/docker/x' }, v2: '/docker/x' });
});

test('a path with a colon is taken whole', () => {
  assert.equal(parseCgroupPaths('0::/a:b\n').v2, '/a:b');
});

test('cpu.max is quota and period; `max` is no quota', () => {
  assert.is(quotaFromCpuMax('150000 100000\n'), 1.5);
  assert.is(quotaFromCpuMax('50000 100000\n'), 0.5);
  assert.is(quotaFromCpuMax('max 100000\n'), undefined);
  assert.is(quotaFromCpuMax(''), undefined);
});

test('a quota of -1 in version 1 is none', () => {
  assert.is(quotaFromCfs('-1\n', '100000\n'), undefined);
  assert.is(quotaFromCfs('400000\n', '100000\n'), 4);
});

test('the tightest level from the own cgroup to the root counts', () => {
  const read = files({
    '/proc/self/cgroup': '0::/pods/one/app\n',
    '/sys/fs/cgroup/pods/one/app/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/pods/one/cpu.max': '250000 100000\n',
    '/sys/fs/cgroup/pods/cpu.max': '800000 100000\n',
  });
  assert.is(cgroupQuota(read), 2.5);
  assert.is(availableCores(read, 64), 3);
});

test('a container that sees only the root of its namespace is still limited', () => {
  const read = files({ '/proc/self/cgroup': '0::/outside/of/here\n', '/sys/fs/cgroup/cpu.max': '200000 100000\n' });
  assert.is(availableCores(read, 64), 2);
});

test('version 1 is read where it has the cpu controller', () => {
  const read = files({
    '/proc/self/cgroup': '4:cpu,cpuacct:/docker/abc\n',
    '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '150000\n',
    '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
  });
  assert.is(availableCores(read, 8), 2);
});

test('a tiny quota still leaves one core, a large one does not add any, and no cgroup is no limit', () => {
  const limited = (quota: string) => files({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': quota });
  assert.is(availableCores(limited('1000 100000'), 8), 1);
  assert.is(availableCores(limited('1600000 100000'), 8), 8);
  assert.is(availableCores(files({}), 8), 8);
});

test('this machine has a whole number of cores, one at least', () => {
  assert.ok(Number.isInteger(availableCores()) && availableCores() >= 1);
});

test.run();

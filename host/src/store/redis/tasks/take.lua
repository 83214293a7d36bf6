-- Takes a task, unless its owner asks too often or it is known already.
-- KEYS: the task, tasks by when they are due, the owner's rate, and where the
-- request may be a repeated one what is known of it.
local id, owner, received = ARGV[1], ARGV[2], ARGV[3]
local timeout, keep = tonumber(ARGV[4]), tonumber(ARGV[5])
local per_second, burst = tonumber(ARGV[6]), tonumber(ARGV[7])
local task_of, content = ARGV[8], ARGV[9]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Generic cell rate algorithm: one number a client, the time at which all that
-- it asked for is paid.
if per_second > 0 then
  local each = 1000 / per_second
  local paid = math.max(tonumber(redis.call('GET', KEYS[3]) or now), now)
  local wait = paid - now - each * (burst - 1)
  if wait > 0 then
    return {'limited', '', math.ceil(wait)}
  end
  paid = paid + each
  redis.call('SET', KEYS[3], string.format('%.3f', paid), 'PX', math.ceil(paid - now))
end

if KEYS[4] then
  local known = redis.call('GET', KEYS[4])
  if known then
    local was, before = string.match(known, '^(%S*) (.*)$')
    local task = task_of .. before
    if redis.call('EXISTS', task) == 1 then
      if was ~= content then
        return {'differs', '', 0}
      end
      if redis.call('HEXISTS', task, 'sent') == 1 or redis.call('HEXISTS', task, 'updated') == 1 then
        return {'known', before, 1}
      end
      redis.call('HINCRBY', task, 'sending', 1)
      return {'known', before, 0}
    end
  end
  redis.call('SET', KEYS[4], content .. ' ' .. id, 'PX', keep)
end

redis.call('HSET', KEYS[1], 'owner', owner, 'status', received, 'received', now,
  'timeout', timeout, 'keep', keep, 'sending', 1)
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('ZADD', KEYS[2], now + timeout, id)
return {'new', '', 0}

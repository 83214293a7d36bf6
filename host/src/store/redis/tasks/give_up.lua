-- Forgets a task that could not be sent, unless someone else sends it, or it is
-- known to be with a worker.
-- KEYS: the task, tasks by when they are due, what is known of the request.
if redis.call('HINCRBY', KEYS[1], 'sending', -1) > 0 then
  return
end
if redis.call('HEXISTS', KEYS[1], 'sent') == 1 or redis.call('HEXISTS', KEYS[1], 'updated') == 1 then
  return
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
if KEYS[3] then
  redis.call('DEL', KEYS[3])
end

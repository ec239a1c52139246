# A client of 2012 in one conversation with a server: `ruby session.rb SOCKET [WHAT,…]`, without what the server lacks. Prints one line of JSON: what it was told.
require 'socket'
require_relative 'warden_wire'

socket_path, without = ARGV
client = Warden::Client.new(UNIXSocket.new(socket_path))
told = {}

def refusal
  yield
  'no error'
rescue Warden::ServerError => e
  e.message
end

client.call('Ping')
told['echo'] = client.v1('echo', "h\u00e9llo").message
handle = client.v1('create', { 'grace_time' => 300 }).handle
told['handle'] = handle
begin
  told['list'] = client.v1('list').handles.include?(handle)
  told['info'] = client.v1('info', handle).then { |info| [info.state, (info.events || []).reject { |event| event.start_with?('INSECURE: ') }, info.container_path.start_with?('/')] }
  told['run'] = client.v1('run', handle, 'echo out; echo err >&2; exit 3').then { |reply| [reply.exit_status, reply.stdout, reply.stderr, reply.info.state] }
  told['binary'] = client.v1('run', handle, 'printf "\\xff\\x00\\xfe"').stdout.unpack1('H*')
  job = client.v1('spawn', handle, 'echo spawned; exit 4').job_id
  told['link'] = client.v1('link', handle, job).then { |reply| [reply.exit_status, reply.stdout] }
  told['link twice'] = refusal { client.v1('link', handle, job) }

  job = client.v1('spawn', handle, 'echo one; echo two >&2; exit 5').job_id
  client.write('Stream', handle: handle, job_id: job)
  pieces = []
  loop do
    _, reply = client.read
    pieces << [reply.name, reply.data] if reply.data && !reply.data.empty?
    next if reply.exit_status.nil?
    told['stream'] = [pieces.group_by(&:first).transform_values { |all| all.map(&:last).join }, reply.exit_status, reply.info.state]
    break
  end

  # Replies come in the order of the requests.
  client.write('Run', handle: handle, script: 'sleep 0.1; echo slow', privileged: false, discard_output: false)
  client.write('Echo', message: 'behind it')
  told['pipelined'] = [client.read[1].stdout, client.read[1].message]

  told['net in'] = client.v1('net', handle, 'in').then { |reply| reply.host_port == reply.container_port }
  told['net out'] = refusal { client.call('NetOut', handle: handle) }
  told['create twice'] = refusal { client.v1('create', { 'handle' => handle }) }
  told['rlimits'] = client.call('Run', handle: handle, script: 'ulimit -n', rlimits: Warden.message('ResourceLimits').new(nofile: 100)).stdout unless without.to_s.split(',').include?('rlimits')
  client.call('Stop', handle: handle, background: false, kill: true)
  told['run when stopped'] = refusal { client.v1('run', handle, 'true') }
  told['stopped'] = client.v1('info', handle).state
ensure
  client.v1('destroy', handle)
end
told['destroyed'] = refusal { client.v1('info', handle) }
puts JSON.generate(told)

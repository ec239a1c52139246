# With `make`: the requests of a Ruby client as bytes, for test/golden/ruby.json. With `agree`: compares beefcake with the frozen messages of
# test/golden/vectors.json, both ways, and prints how many agree; fails at the first that does not.
require_relative 'warden_wire'

HANDLE = '15jkdl2ahf9'.freeze

# What programs of the time wrote: lists of strings, and hashes of attributes, some of which say what is so anyway.
COMMANDS = [
  ['ping'], ['list'], ['echo', "h\u00e9llo \u2713"], ['create'],
  ['create', { 'grace_time' => 300, 'bind_mounts' => [['/var/src', '/mnt/dst', { 'mode' => 'ro' }], ['/tmp', '/tmp/x', 'rw']] }],
  ['create', { 'handle' => 'my-app', 'network' => '10.254.0.4', 'rootfs' => '/srv/rootfs' }],
  ['info', HANDLE], ['stop', HANDLE], ['destroy', HANDLE], ['spawn', HANDLE, "for i in 1 2; do echo $i; done\nexit 3"], ['run', HANDLE, 'ls'], ['link', HANDLE, '7'], ['stream', HANDLE, '4294967295'],
  ['net', HANDLE, 'in'], ['net', HANDLE, 'out', '10.0.0.0/8'], ['net', HANDLE, 'out', '10.1.2.3:53'], ['net', HANDLE, 'out', ':80'],
  ['limit', HANDLE, 'mem'], ['limit', HANDLE, 'mem', '67108864'], ['limit', HANDLE, 'disk', '1048576'], ['limit', HANDLE, 'bandwidth', '1000000', '100000'],
  ['copy', HANDLE, 'in', '/src/', '/dst'], ['copy', HANDLE, 'out', '/src', '/dst/', 'vcap:vcap'],
].freeze

REQUESTS = [
  ['Stop', { handle: HANDLE, background: false, kill: false }], ['Stop', { handle: HANDLE, background: true, kill: true }],
  ['Run', { handle: HANDLE, script: '', privileged: false, discard_output: false, log_tag: '' }],
  ['Run', { handle: HANDLE, script: 'ulimit -a', privileged: true, rlimits: { nofile: 100, as: (1 << 64) - 1, core: 0 }, log_tag: 'app' }],
  ['Create', { grace_time: 0, bind_mounts: [] }], ['Create', { grace_time: (1 << 32) - 1, handle: '' }],
  ['NetIn', { handle: HANDLE, host_port: 61_001, container_port: 8080 }],
  ['NetOut', { handle: HANDLE, network: '10.0.0.1', protocol: 2, icmp_type: -1, icmp_code: -1, log: false }],
  ['NetOut', { handle: HANDLE, network: '10.0.0.1-10.0.0.9', port_range: '8080:8090', protocol: 0, log: true }],
  ['LimitMemory', { handle: HANDLE, limit_in_bytes: 9_223_372_036_854_771_712 }], ['LimitCpu', { handle: HANDLE, limit_in_shares: 0 }],
  ['LimitDisk', { handle: HANDLE, block_hard: 1, byte_soft: 0, inode: 4096 }],
].freeze

def attributes_of(attributes)
  attributes.to_h { |name, value| [name, name == :rlimits ? Warden.message('ResourceLimits').new(value) : value] }
end

def make
  lines = COMMANDS.map { |command| [command, *Warden.v1(*command)] } + REQUESTS.map { |type, attributes| [nil, type, attributes_of(attributes)] }
  rows = lines.map do |command, type, attributes|
    frame = Warden.frame(type, Warden.request(type, attributes))
    { 'command' => command, 'type' => type, 'value' => plain(Warden.request(type, attributes)), 'frame' => frame.unpack1('H*') }
  end
  puts "[\n#{rows.map { |row| JSON.generate(row) }.join(",\n")}\n]"
end

# Attributes that are set, by the names of the protocol; whole numbers as text, which JSON leaves as they are.
def plain(value)
  case value
  when Array then value.map { |each| plain(each) }
  when Integer then value.to_s
  when Beefcake::Message
    fields = Warden::GOLDEN['messages'].fetch(value.class.name).map { |field| field['name'] }
    fields.map { |name| [name, value.public_send(name)] }.reject { |_, content| content.nil? }.to_h { |name, content| [name, plain(content)] }
  else value
  end
end

def envelope_of(vector)
  bytes = [vector['frame']].pack('H*')
  Warden::Envelope.decode(bytes[bytes.index("\n") + 1...-2])
end

def agree
  vectors = Warden::GOLDEN['vectors'].select { |vector| Warden::GOLDEN['messages'].key?(vector['message']) && %w[full minimal added traced].include?(vector['case']) }
  vectors.each do |vector|
    envelope = envelope_of(vector)
    message = Warden.message(vector['message']).decode(envelope.payload || '')
    again = message.encode.to_s.b
    # What was added since is passed over, so it does not come back.
    expected = vector['case'] == 'added' ? envelope_of(full_of(vector)).payload : envelope.payload
    next if again == expected.to_s.b || vector['case'] == 'added'
    raise "#{vector['message']}, #{vector['case']}: #{again.unpack1('H*')}"
  end
  puts "#{vectors.length} vectors agree"
end

def full_of(vector)
  Warden::GOLDEN['vectors'].find { |other| other['message'] == vector['message'] && other['case'] == 'full' }
end

case ARGV[0]
when 'make' then make
when 'agree' then agree
else abort 'usage: vectors.rb make|agree'
end

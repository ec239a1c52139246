# The Warden protocol as a Ruby client of 2012 knows it: messages by the gem beefcake, from the frozen table of test/golden/vectors.json, and the
# v1 mode's lists of strings. It knows no addition; what replies have of them it has to pass over.
require 'beefcake'
require 'json'

module Warden
  GOLDEN = JSON.parse(File.read(File.expand_path('../golden/vectors.json', __dir__), encoding: 'UTF-8'))
  TYPES = GOLDEN['types'].freeze
  NAMES = TYPES.invert.freeze
  ENUMS = GOLDEN['enums'].freeze

  # An enum is a module of constants to beefcake.
  def self.enum(name)
    @enums ||= {}
    @enums[name] ||= Module.new.tap { |mod| ENUMS.fetch(name).each { |text, number| mod.const_set(text.upcase, number) } }
  end

  # The class of a message, made of its fields when it is needed first.
  def self.message(name)
    @messages ||= {}
    @messages[name] ||= Class.new do
      include Beefcake::Message
      define_singleton_method(:name) { name }
      GOLDEN['messages'].fetch(name).each do |field|
        kind = field['kind']
        type = if ENUMS.key?(kind) then Warden.enum(kind)
               elsif GOLDEN['messages'].key?(kind) then Warden.message(kind)
               else kind.to_sym
               end
        field(field['rule'].to_sym, field['name'].to_sym, type, field['number'], {})
      end
    end
  end

  class Envelope
    include Beefcake::Message
    required :type, :int32, 1
    required :payload, :bytes, 2
  end

  class ServerError < StandardError; end

  # `<length>` CR LF, the envelope, CR LF.
  def self.frame(type_name, request)
    payload = request.encode.to_s.b
    envelope = Envelope.new(type: TYPES.fetch(type_name), payload: payload).encode.to_s.b
    "#{envelope.bytesize}\r\n".b + envelope + "\r\n".b
  end

  def self.request(type_name, attributes = {})
    message("#{type_name}Request").new(attributes)
  end

  # The request that a list of strings stands for.
  def self.v1(command, *words)
    case command
    when 'ping', 'list' then [command.capitalize, {}]
    when 'echo' then ['Echo', { message: words[0] }]
    when 'create' then ['Create', v1_create(words[0] || {})]
    when 'stop', 'destroy', 'info' then [command.capitalize, { handle: words[0] }]
    when 'spawn', 'run' then [command.capitalize, { handle: words[0], script: words[1] }]
    when 'link', 'stream' then [command.capitalize, { handle: words[0], job_id: Integer(words[1]) }]
    when 'net'
      return ['NetIn', { handle: words[0] }] if words[1] == 'in'
      network, port = words[2].split(':', 2)
      ['NetOut', { handle: words[0], network: network, port: port && Integer(port) }]
    when 'limit'
      case words[1]
      when 'mem' then ['LimitMemory', { handle: words[0], limit_in_bytes: words[2] && Integer(words[2]) }]
      when 'disk' then ['LimitDisk', { handle: words[0], byte: words[2] && Integer(words[2]) }]
      when 'bandwidth' then ['LimitBandwidth', { handle: words[0], rate: Integer(words[2]), burst: Integer(words[3]) }]
      end
    when 'copy'
      direction = { 'in' => 'CopyIn', 'out' => 'CopyOut' }.fetch(words[1])
      paths = { handle: words[0], src_path: words[2], dst_path: words[3] }
      [direction, words[4] ? paths.merge(owner: words[4]) : paths]
    else raise ArgumentError, "Unknown command: #{command}"
    end
  end

  def self.v1_create(options)
    attributes = options.reject { |name, _| name == 'bind_mounts' }.transform_keys(&:to_sym)
    mounts = (options['bind_mounts'] || []).map do |source, destination, mode|
      mode = mode['mode'] if mode.is_a?(Hash)
      message('BindMount').new(src_path: source, dst_path: destination, mode: ENUMS['Mode'].fetch(mode.upcase))
    end
    mounts.empty? ? attributes : attributes.merge(bind_mounts: mounts)
  end

  # One connection; requests are answered in their order.
  class Client
    def initialize(socket)
      @socket = socket
    end

    def write(type_name, attributes = {})
      @socket.write(Warden.frame(type_name, Warden.request(type_name, attributes)))
    end

    # The next reply, with the name of its type.
    def read
      length = @socket.gets("\r\n") or raise EOFError, 'the server closed the connection'
      bytes = @socket.read(Integer(length.chomp("\r\n"), 10))
      raise 'a frame that does not end in CR LF' unless @socket.read(2) == "\r\n"
      envelope = Envelope.decode(bytes)
      name = NAMES.fetch(envelope.type)
      reply = Warden.message("#{name}Response").decode(envelope.payload || '')
      raise ServerError, reply.message if name == 'Error'
      [name, reply]
    end

    def call(type_name, attributes = {})
      write(type_name, attributes)
      name, reply = read
      raise "#{type_name} was answered by #{name}" unless name == type_name
      reply
    end

    def v1(*command)
      call(*Warden.v1(*command))
    end
  end
end

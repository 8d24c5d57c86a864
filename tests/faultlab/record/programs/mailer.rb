# Sends receipts: MODE ARGUMENT COUNT.
require "logger"
require "net/http"
require "json"
$stdout.sync = true
mode, argument, count = ARGV
LOG = Logger.new($stdout, progname: ENV["SERVICE"])

def receipt(order)
  customer = order[:customer]
  "Dear #{customer.name.capitalize}"
end

Customer = Struct.new(:name)
LOG.info("receipt mailer ready")
require argument if mode == "load"
count.to_i.times do |n|
  begin
    case mode
    when "nil" then receipt({ customer: n < 12 ? Customer.new("ann") : nil })
    when "http" then Net::HTTP.get_response(URI(argument)).value
    when "json" then JSON.parse(n < 12 ? '{"total": 3}' : File.read(argument))
    end
    LOG.info("receipt #{9100 + n} sent")
  rescue StandardError => e
    LOG.error("receipt #{9100 + n} not sent: #{e.full_message(highlight: false)}")
  end
  sleep 0.1
end
LOG.info("bye")

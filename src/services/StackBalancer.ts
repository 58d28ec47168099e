import type { Blueprint } from "./Blueprint.ts"
import { attribute, choose, given, type Named, type Part, ref, type Value } from "./Stack.ts"

/**
 * The load balancer and who may talk to whom: clients to the balancer, the balancer to the service, and to the admin
 * listener nobody, unless a CIDR says who.
 *
 * **Details**
 *
 * `targetType` is what the targets are registered by. Health checks and the deregistration delay are the service's own
 * {@link Blueprint.timing}. With a certificate the balancer speaks HTTPS, and HTTP only redirects there.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (blueprint: Blueprint, targetType: "instance" | "ip"): Part => {
  const { adminPort, port, service, timing } = blueprint
  return {
    parameters: {
      VpcId: { Type: "AWS::EC2::VPC::Id", Description: "VPC of balancer and service" },
      BalancerSubnets: {
        Type: "List<AWS::EC2::Subnet::Id>",
        Description: "Subnets of the load balancer, in two zones or more; public ones if it faces the internet"
      },
      ServiceSubnets: {
        Type: "List<AWS::EC2::Subnet::Id>",
        Description: "Subnets of the service; what is in them must reach S3, CloudWatch and CloudFormation"
      },
      BalancerScheme: {
        Type: "String",
        Default: "internal",
        AllowedValues: ["internal", "internet-facing"],
        Description: "Who can reach the balancer: the VPC or everybody"
      },
      ClientCidr: cidr("Addresses that may use the service", "0.0.0.0/0", false),
      AdminCidr: cidr("Addresses that may use the admin listener; empty: none, it stays on loopback", "", true),
      CertificateArn: { Type: "String", Default: "", Description: "Certificate for HTTPS; empty: HTTP alone" }
    },
    conditions: { AdminOpen: given("AdminCidr"), Https: given("CertificateArn") },
    resources: {
      BalancerSecurityGroup: securityGroup(`${service}: clients to the load balancer`, {
        SecurityGroupIngress: [ingress(80, { CidrIp: ref("ClientCidr") }, "HTTP")],
        // Its one way out is a resource of its own; a group without any would get one to everywhere.
        SecurityGroupEgress: [{
          IpProtocol: "icmp",
          FromPort: -1,
          ToPort: -1,
          CidrIp: "127.0.0.1/32",
          Description: "nothing"
        }]
      }),
      BalancerToService: {
        Type: "AWS::EC2::SecurityGroupEgress",
        Properties: {
          GroupId: attribute("BalancerSecurityGroup", "GroupId"),
          DestinationSecurityGroupId: attribute("ServiceSecurityGroup", "GroupId"),
          IpProtocol: "tcp",
          FromPort: port,
          ToPort: port,
          Description: "requests and health checks"
        }
      },
      ServiceSecurityGroup: securityGroup(`${service}: the balancer to the service`, {
        SecurityGroupIngress: [
          ingress(
            port,
            { SourceSecurityGroupId: attribute("BalancerSecurityGroup", "GroupId") },
            "requests and health checks"
          )
        ]
      }),
      ClientsToHttps: opened("Https", "BalancerSecurityGroup", ingress(443, { CidrIp: ref("ClientCidr") }, "HTTPS")),
      AdminAccess: opened(
        "AdminOpen",
        "ServiceSecurityGroup",
        ingress(adminPort, { CidrIp: ref("AdminCidr") }, "admin listener")
      ),
      Balancer: {
        Type: "AWS::ElasticLoadBalancingV2::LoadBalancer",
        Properties: {
          Type: "application",
          Scheme: ref("BalancerScheme"),
          Subnets: ref("BalancerSubnets"),
          SecurityGroups: [attribute("BalancerSecurityGroup", "GroupId")],
          LoadBalancerAttributes: attributes({
            "idle_timeout.timeout_seconds": 60,
            "routing.http.drop_invalid_header_fields.enabled": true
          })
        }
      },
      Targets: {
        Type: "AWS::ElasticLoadBalancingV2::TargetGroup",
        Properties: {
          VpcId: ref("VpcId"),
          Protocol: "HTTP",
          Port: port,
          TargetType: targetType,
          HealthCheckPath: "/readyz",
          HealthCheckIntervalSeconds: timing.interval,
          HealthCheckTimeoutSeconds: timing.timeout,
          HealthyThresholdCount: timing.healthyThreshold,
          UnhealthyThresholdCount: timing.unhealthyThreshold,
          Matcher: { HttpCode: "200" },
          TargetGroupAttributes: attributes({
            "deregistration_delay.timeout_seconds": timing.deregistrationDelay,
            "load_balancing.algorithm.type": "least_outstanding_requests"
          })
        }
      },
      Listener: listener(80, "HTTP", choose("Https", [redirect], [forward])),
      SecureListener: {
        Condition: "Https",
        ...listener(443, "HTTPS", [forward], {
          Certificates: [{ CertificateArn: ref("CertificateArn") }],
          SslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06"
        })
      }
    },
    outputs: {
      ServiceUrl: {
        Description: "Where the service is, for those who look it up",
        Value: {
          "Fn::Join": ["", [choose("Https", "https://", "http://"), attribute("Balancer", "DNSName")]]
        }
      },
      ServiceSecurityGroup: {
        Description: "The security group of the service, for what it may reach",
        Value: attribute("ServiceSecurityGroup", "GroupId")
      }
    }
  }
}

/**
 * A tag of what needs its targets to have a listener first: which one that is depends on the certificate, and
 * `DependsOn` cannot depend.
 *
 * @category constants
 * @since 1.1.0
 */
export const listenerTag: Named = { Key: "Listener", Value: choose("Https", ref("SecureListener"), ref("Listener")) }

const forward: Value = { Type: "forward", TargetGroupArn: ref("Targets") }

const redirect: Value = {
  Type: "redirect",
  RedirectConfig: { Protocol: "HTTPS", Port: "443", StatusCode: "HTTP_301" }
}

const listener = (port: number, protocol: string, actions: Value, more: Named = {}): Named => ({
  Type: "AWS::ElasticLoadBalancingV2::Listener",
  Properties: { LoadBalancerArn: ref("Balancer"), Port: port, Protocol: protocol, DefaultActions: actions, ...more }
})

const attributes = (values: Readonly<Record<string, string | number | boolean>>): Value =>
  Object.entries(values).map(([Key, value]) => ({ Key, Value: String(value) }))

const cidr = (description: string, fallback: string, optional: boolean): Value => ({
  Type: "String",
  Default: fallback,
  AllowedPattern: optional ? `^$|${cidrPattern}` : cidrPattern,
  Description: description
})

const cidrPattern = "^(\\d{1,3}\\.){3}\\d{1,3}/\\d{1,2}$"

const securityGroup = (description: string, rules: Named): Value => ({
  Type: "AWS::EC2::SecurityGroup",
  Properties: { VpcId: ref("VpcId"), GroupDescription: description, ...rules }
})

const opened = (condition: string, group: string, rule: Named): Value => ({
  Type: "AWS::EC2::SecurityGroupIngress",
  Condition: condition,
  Properties: { GroupId: attribute(group, "GroupId"), ...rule }
})

const ingress = (port: number, source: Named, description: string): Named => ({
  IpProtocol: "tcp",
  FromPort: port,
  ToPort: port,
  Description: description,
  ...source
})

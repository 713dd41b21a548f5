"""inventory/engines"""
